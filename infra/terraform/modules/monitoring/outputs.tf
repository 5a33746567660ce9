output "workspace_id" {
  description = "Resource id of the Log Analytics workspace."
  value       = azurerm_log_analytics_workspace.this.id
}

output "application_insights_connection_string" {
  description = "What APPLICATIONINSIGHTS_CONNECTION_STRING is set to; its key alone is refused."
  value       = azurerm_application_insights.this.connection_string
  sensitive   = true
}
