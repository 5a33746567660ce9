output "id" {
  description = "Resource id of the app."
  value       = azurerm_function_app_flex_consumption.this.id
}

output "name" {
  description = "Name of the app: what a deployment addresses."
  value       = azurerm_function_app_flex_consumption.this.name
}

output "hostname" {
  description = "Host name of the app."
  value       = azurerm_function_app_flex_consumption.this.default_hostname
}

output "storage_account_id" {
  description = "Resource id of the app's storage account."
  value       = azurerm_storage_account.this.id
}
