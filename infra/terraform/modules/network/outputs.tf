output "subnet_ids" {
  description = "Resource ids of the subnets apps, gateway and endpoints."
  value       = { for name, subnet in azurerm_subnet.this : name => subnet.id }
}

output "endpoints" {
  description = "Resource ids of the private endpoints, by what they lead to."
  value       = { for name, endpoint in azurerm_private_endpoint.this : name => endpoint.id }
}
