output "id" {
  description = "Resource id of API Management."
  value       = azurerm_api_management.this.id
}

output "url" {
  description = "Where callers find the API."
  value       = azurerm_api_management.this.gateway_url
}

output "operations" {
  description = "Every operation that was imported: \"METHOD path\"."
  value       = sort(flatten([for path, item in local.paths : [for method in keys(item) : "${upper(method)} ${path}"]]))
}
