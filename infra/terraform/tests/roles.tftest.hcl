# Who may do what with the data, as it is sent to Azure. The event log is append-only because of these lines.

mock_provider "azurerm" {
  override_during = plan

  mock_resource "azurerm_cosmosdb_account" {
    defaults = {
      id       = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.DocumentDB/databaseAccounts/test"
      endpoint = "https://test.documents.azure.com:443/"
    }
  }
}

variables {
  prefix             = "tidemark-test"
  suffix             = "abcde"
  location           = "westeurope"
  tags               = {}
  serverless         = true
  zone_redundant     = false
  failover_location  = null
  backup_tier        = "Continuous7Days"
  delete_lock        = true
  max_throughput     = {}
  private_networking = false

  resource_group_name        = "rg"
  log_analytics_workspace_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/logs"

  principals = {
    commands   = { app = "11111111-1111-1111-1111-111111111111" }
    queries    = { app = "22222222-2222-2222-2222-222222222222" }
    projectors = { app = "33333333-3333-3333-3333-333333333333" }
    operators  = { group = "44444444-4444-4444-4444-444444444444" }
    erasers    = { group = "55555555-5555-5555-5555-555555555555" }
  }
}

run "roles" {
  command = plan

  module {
    source = "./modules/cosmos"
  }

  assert {
    condition     = length([for key in keys(output.data_roles) : key if output.data_roles[key].container == "events"]) == 5
    error_message = "The assertions below would be empty: five roles must be on events."
  }

  assert {
    condition = alltrue([
      for role in values(output.data_roles) : alltrue([
        for action in role.actions : length(regexall("(replace|upsert|delete|\\*)", action)) == 0
      ]) if role.container == "events"
    ])
    error_message = "A role on events may replace, upsert, delete or do anything: the log would no longer be append-only."
  }

  assert {
    condition     = alltrue([for role in values(output.data_roles) : alltrue([for action in role.actions : !strcontains(action, "*")])])
    error_message = "No role may have a wildcard: Azure would add to it what it invents later."
  }

  assert {
    condition = toset(output.data_roles["commands/events"].actions) == toset([
      "Microsoft.DocumentDB/databaseAccounts/readMetadata",
      "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/create",
      "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/read",
      "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/executeQuery",
      "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/readChangeFeed",
    ])
    error_message = "The command app creates and reads events, nothing else."
  }

  assert {
    condition = alltrue([
      for key, role in output.data_roles : alltrue([
        for action in role.actions : length(regexall("(create|replace|upsert|delete)$", action)) == 0
      ]) if startswith(key, "queries/")
    ])
    error_message = "The query app must not be able to write anything."
  }

  assert {
    condition = !contains(
      output.data_roles["operators/events"].actions,
      "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/create",
    )
    error_message = "Operators rebuild and audit; they do not write events."
  }
}

run "scopes" {
  command = plan

  module {
    source = "./modules/cosmos"
  }

  assert {
    condition = alltrue([
      for key, role in azurerm_cosmosdb_sql_role_definition.this :
      one(role.assignable_scopes) == "${azurerm_cosmosdb_account.this.id}/dbs/tidemark/colls/${split("/", key)[1]}"
    ])
    error_message = "Each role may be given on its own container only."
  }

  assert {
    condition = alltrue([
      for key, assignment in azurerm_cosmosdb_sql_role_assignment.this :
      endswith(assignment.scope, "/dbs/tidemark/colls/${split("/", key)[1]}")
    ])
    error_message = "Each role must be assigned on its own container only."
  }

  assert {
    condition     = one(azurerm_cosmosdb_sql_role_definition.metadata.permissions).data_actions == toset(["Microsoft.DocumentDB/databaseAccounts/readMetadata"])
    error_message = "The role on the whole account reads metadata, nothing else."
  }

  assert {
    condition     = length(azurerm_cosmosdb_sql_role_assignment.this) == length(azurerm_cosmosdb_sql_role_definition.this)
    error_message = "With one principal for each role, every role is assigned once."
  }
}
