output "namespace_id" {
  description = "Resource id of the namespace."
  value       = azurerm_eventhub_namespace.this.id
}

output "fully_qualified_namespace" {
  description = "What EVENTHUBS_FULLY_QUALIFIED_NAMESPACE is set to."
  value       = "${azurerm_eventhub_namespace.this.name}.servicebus.windows.net"
}

output "hub" {
  description = "What EVENTHUBS_HUB is set to."
  value       = azurerm_eventhub.ledger.name
}
