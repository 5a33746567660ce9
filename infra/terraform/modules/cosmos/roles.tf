# Who may do what, container by container. roles.json is the whole of it: no role here has a wildcard, and none on
# events can replace, upsert or delete, so the platform keeps the log append-only whatever the code does.

locals {
  account_actions = ["readMetadata"]
  item_actions    = ["create", "read", "replace", "upsert", "delete"]

  action_names = merge(
    { readMetadata = "Microsoft.DocumentDB/databaseAccounts/readMetadata" },
    { for a in local.item_actions : a => "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/${a}" },
    { for a in ["executeQuery", "readChangeFeed"] : a => "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/${a}" },
  )

  database_scope = "${azurerm_cosmosdb_account.this.id}/dbs/${azurerm_cosmosdb_sql_database.this.name}"

  grants = merge([
    for role, containers in jsondecode(file("${path.module}/roles.json")) : {
      for container, actions in containers : "${role}/${container}" => {
        role      = role
        container = container
        actions   = actions
      }
    }
  ]...)

  assignments = merge([
    for key, grant in local.grants : {
      for name, principal_id in lookup(var.principals, grant.role, {}) : "${key}/${name}" => {
        grant        = key
        principal_id = principal_id
      }
    }
  ]...)

  readers = merge([
    for role, principals in var.principals : { for name, principal_id in principals : "${role}/${name}" => principal_id }
  ]...)
}

resource "azurerm_cosmosdb_sql_role_definition" "this" {
  for_each = local.grants

  name                = "Tidemark ${each.value.role} on ${each.value.container}"
  role_definition_id  = uuidv5("url", "tidemark:${azurerm_cosmosdb_account.this.name}:${each.key}")
  resource_group_name = var.resource_group_name
  account_name        = azurerm_cosmosdb_account.this.name
  type                = "CustomRole"
  assignable_scopes   = ["${local.database_scope}/colls/${azurerm_cosmosdb_sql_container.this[each.value.container].name}"]

  permissions {
    data_actions = [for action in each.value.actions : local.action_names[action]]
  }
}

resource "azurerm_cosmosdb_sql_role_assignment" "this" {
  for_each = local.assignments

  name                = uuidv5("url", "tidemark:${azurerm_cosmosdb_account.this.name}:${each.key}")
  resource_group_name = var.resource_group_name
  account_name        = azurerm_cosmosdb_account.this.name
  role_definition_id  = azurerm_cosmosdb_sql_role_definition.this[each.value.grant].id
  principal_id        = each.value.principal_id
  scope               = tolist(azurerm_cosmosdb_sql_role_definition.this[each.value.grant].assignable_scopes)[0]
}

# Every client first reads the account's and the database's properties, which a role on a container does not cover.
# It gives no access to any item.
resource "azurerm_cosmosdb_sql_role_definition" "metadata" {
  name                = "Tidemark account metadata"
  role_definition_id  = uuidv5("url", "tidemark:${azurerm_cosmosdb_account.this.name}:metadata")
  resource_group_name = var.resource_group_name
  account_name        = azurerm_cosmosdb_account.this.name
  type                = "CustomRole"
  assignable_scopes   = [azurerm_cosmosdb_account.this.id]

  permissions {
    data_actions = [for action in local.account_actions : local.action_names[action]]
  }
}

resource "azurerm_cosmosdb_sql_role_assignment" "metadata" {
  for_each = local.readers

  name                = uuidv5("url", "tidemark:${azurerm_cosmosdb_account.this.name}:metadata:${each.key}")
  resource_group_name = var.resource_group_name
  account_name        = azurerm_cosmosdb_account.this.name
  role_definition_id  = azurerm_cosmosdb_sql_role_definition.metadata.id
  principal_id        = each.value
  scope               = azurerm_cosmosdb_account.this.id
}
