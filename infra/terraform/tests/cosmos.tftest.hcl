# The account and its containers: keys off, backups on, the log safe from a hasty destroy.

mock_provider "azurerm" {
  override_during = plan
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
  principals         = {}

  resource_group_name        = "rg"
  log_analytics_workspace_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/logs"
}

run "serverless" {
  command = plan

  module {
    source = "./modules/cosmos"
  }

  assert {
    condition     = azurerm_cosmosdb_account.this.local_authentication_disabled && !azurerm_cosmosdb_account.this.access_key_metadata_writes_enabled
    error_message = "Nobody may come in with an account key."
  }

  assert {
    condition     = azurerm_cosmosdb_account.this.backup[0].type == "Continuous"
    error_message = "The log must be restorable to any second."
  }

  assert {
    condition     = one(azurerm_cosmosdb_account.this.capabilities).name == "EnableServerless"
    error_message = "serverless must ask for the capability."
  }

  assert {
    condition     = alltrue([for c in azurerm_cosmosdb_sql_container.this : length(c.autoscale_settings) == 0])
    error_message = "A serverless container has no throughput."
  }

  assert {
    condition     = one(azurerm_cosmosdb_sql_container.this["events"].unique_key).paths == toset(["/commandId"])
    error_message = "One command must take effect once: events needs the unique key on /commandId."
  }

  assert {
    condition     = [for p in azurerm_cosmosdb_sql_container.this["events"].indexing_policy[0].excluded_path : p.path] == ["/*"]
    error_message = "events must not index what it stores: that would be paid with every append."
  }

  assert {
    condition     = azurerm_cosmosdb_sql_container.this["events"].default_ttl == null
    error_message = "Events never expire."
  }

  assert {
    condition     = length(azurerm_management_lock.this) == 1 && azurerm_management_lock.this[0].lock_level == "CanNotDelete"
    error_message = "The account must be locked against deletion."
  }
}

run "provisioned" {
  command = plan

  module {
    source = "./modules/cosmos"
  }

  variables {
    serverless         = false
    zone_redundant     = true
    failover_location  = "northeurope"
    max_throughput     = { events = 10000 }
    private_networking = true
  }

  assert {
    condition     = length(azurerm_cosmosdb_account.this.capabilities) == 0 && !azurerm_cosmosdb_account.this.public_network_access_enabled
    error_message = "A provisioned, private account is neither serverless nor public."
  }

  assert {
    condition     = azurerm_cosmosdb_account.this.automatic_failover_enabled
    error_message = "The second region must take over by itself."
  }

  assert {
    condition = (
      azurerm_cosmosdb_sql_container.this["events"].autoscale_settings[0].max_throughput == 10000 &&
      azurerm_cosmosdb_sql_container.this["leases"].autoscale_settings[0].max_throughput == 1000
    )
    error_message = "A ceiling that is given is used; the others get 1000."
  }
}
