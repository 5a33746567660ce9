# The account, its database and its containers. What the containers are is said in containers.json alone; the code's
# own definition is compared with it by a test.

locals {
  containers = jsondecode(file("${path.module}/containers.json"))
}

resource "azurerm_cosmosdb_account" "this" {
  #checkov:skip=CKV_AZURE_100:Microsoft-managed keys at rest. A customer's key would make the ledger unreadable whenever the vault is.
  #checkov:skip=CKV_AZURE_132:access_key_metadata_writes_enabled is false below; the check looks for an older name.
  #checkov:skip=CKV_AZURE_101:Public access is closed with private_networking; without it no key exists and only Entra tokens are accepted.
  #checkov:skip=CKV_AZURE_99:See CKV_AZURE_101.
  name                = "${var.prefix}-cosmos-${var.suffix}"
  resource_group_name = var.resource_group_name
  location            = var.location
  offer_type          = "Standard"
  kind                = "GlobalDocumentDB"
  tags                = var.tags

  local_authentication_disabled      = true
  access_key_metadata_writes_enabled = false
  minimal_tls_version                = "Tls12"
  public_network_access_enabled      = !var.private_networking
  automatic_failover_enabled         = var.failover_location != null

  # A client reads its own writes, through the session token that it carries.
  consistency_policy {
    consistency_level = "Session"
  }

  geo_location {
    location          = var.location
    failover_priority = 0
    zone_redundant    = var.zone_redundant
  }

  dynamic "geo_location" {
    for_each = var.failover_location == null ? [] : [var.failover_location]
    content {
      location          = geo_location.value
      failover_priority = 1
      zone_redundant    = var.zone_redundant
    }
  }

  dynamic "capabilities" {
    for_each = var.serverless ? ["EnableServerless"] : []
    content {
      name = capabilities.value
    }
  }

  backup {
    type = "Continuous"
    tier = var.backup_tier
  }
}

resource "azurerm_cosmosdb_sql_database" "this" {
  name                = "tidemark"
  resource_group_name = var.resource_group_name
  account_name        = azurerm_cosmosdb_account.this.name
}

resource "azurerm_cosmosdb_sql_container" "this" {
  for_each = local.containers

  name                  = each.key
  resource_group_name   = var.resource_group_name
  account_name          = azurerm_cosmosdb_account.this.name
  database_name         = azurerm_cosmosdb_sql_database.this.name
  partition_key_paths   = [each.value.partition_key]
  partition_key_version = 2
  default_ttl           = each.value.default_ttl

  indexing_policy {
    indexing_mode = "consistent"

    dynamic "included_path" {
      for_each = each.value.included_paths
      content {
        path = included_path.value
      }
    }

    dynamic "excluded_path" {
      for_each = each.value.excluded_paths
      content {
        path = excluded_path.value
      }
    }
  }

  dynamic "unique_key" {
    for_each = each.value.unique_keys
    content {
      paths = [unique_key.value]
    }
  }

  dynamic "autoscale_settings" {
    for_each = var.serverless ? [] : [lookup(var.max_throughput, each.key, 1000)]
    content {
      max_throughput = autoscale_settings.value
    }
  }

  lifecycle {
    # Partition key and unique keys cannot change in place: Terraform would drop the container and the ledger with it.
    prevent_destroy = true
  }
}

# Data roles cannot delete a container, but a subscription's contributors can; this stops them, and a hasty destroy.
resource "azurerm_management_lock" "this" {
  count = var.delete_lock ? 1 : 0

  name       = "the-ledger-is-here"
  scope      = azurerm_cosmosdb_account.this.id
  lock_level = "CanNotDelete"
  notes      = "The event log is the only copy of the ledger. docs/operations.md says how to remove an installation."
}

resource "azurerm_monitor_diagnostic_setting" "this" {
  name                       = "to-log-analytics"
  target_resource_id         = azurerm_cosmosdb_account.this.id
  log_analytics_workspace_id = var.log_analytics_workspace_id
  # Tables of their own (CDB…), which the alert on throttling reads.
  log_analytics_destination_type = "Dedicated"

  # Sums over five minutes: a line for each request would cost more than the requests.
  enabled_log {
    category = "DataPlaneRequests5M"
  }

  enabled_log {
    category = "ControlPlaneRequests"
  }
}
