output "api_url" {
  description = "Where callers find the API."
  value       = module.gateway.url
}

output "resource_group" {
  description = "Resource group of the installation."
  value       = azurerm_resource_group.this.name
}

output "function_apps" {
  description = "Names of the three apps: what a deployment addresses."
  value       = { for role, app in module.function_app : role => app.name }
}

output "cosmos_endpoint" {
  description = "COSMOS_ENDPOINT for the command line: rebuilds, status, audit."
  value       = module.cosmos.endpoint
}

output "cosmos_database" {
  description = "COSMOS_DATABASE for the command line."
  value       = module.cosmos.database
}

output "cosmos_data_roles" {
  description = "What every role may do with the data: role definition => container and data actions."
  value       = module.cosmos.data_roles
}

output "event_hubs_namespace" {
  description = "EVENTHUBS_FULLY_QUALIFIED_NAMESPACE for readers of the hub; null when nothing is relayed."
  value       = one(module.event_hubs[*].fully_qualified_namespace)
}

output "vault_uri" {
  description = "Where the audit trail's keys are."
  value       = module.vault.uri
}

output "subjects_key_id" {
  description = "Key that wraps the data keys of personal data."
  value       = module.vault.subjects_key_id
}

output "token_scope" {
  description = "Scope to ask a token for: az account get-access-token --scope <this>."
  value       = "api://${var.api_client_id}/.default"
}
