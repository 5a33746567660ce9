output "account_id" {
  description = "Resource id of the account."
  value       = azurerm_cosmosdb_account.this.id
}

output "account_name" {
  description = "Name of the account."
  value       = azurerm_cosmosdb_account.this.name
}

output "endpoint" {
  description = "What COSMOS_ENDPOINT is set to."
  value       = azurerm_cosmosdb_account.this.endpoint
}

output "database" {
  description = "What COSMOS_DATABASE is set to."
  value       = azurerm_cosmosdb_sql_database.this.name
}

output "data_roles" {
  description = "What every role may do: role definition => container and data actions, as they are sent to Azure."
  value = {
    for key, role in azurerm_cosmosdb_sql_role_definition.this : key => {
      container = local.grants[key].container
      actions   = flatten([for p in role.permissions : tolist(p.data_actions)])
    }
  }
}
