output "id" {
  description = "Resource id of the vault."
  value       = azurerm_key_vault.this.id
}

output "uri" {
  description = "Address of the vault."
  value       = azurerm_key_vault.this.vault_uri
}

output "subjects_key_id" {
  description = "Id of the key that wraps subjects' data keys, without a version."
  value       = azurerm_key_vault_key.subjects.versionless_id
}
