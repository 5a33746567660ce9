# Everything that one installation needs, from nothing: one resource group, three apps, one gateway before two of them.

data "azurerm_client_config" "current" {}

locals {
  prefix = "${var.name}-${var.environment}"
  # Names of accounts are unique in all of Azure; this makes them so, and the same at every run.
  suffix = substr(sha256("${data.azurerm_client_config.current.subscription_id}/${local.prefix}"), 0, 5)

  tags = merge(var.tags, {
    application  = "tidemark"
    environment  = var.environment
    managed-by   = "terraform"
    azd-env-name = var.environment
  })

  roles = {
    commands   = { storage = "cmd" }
    queries    = { storage = "qry" }
    projectors = { storage = "prj" }
  }

  sizes = {
    for role in keys(local.roles) : role => lookup(var.function_apps, role, {
      instance_memory_in_mb  = 512
      maximum_instance_count = 40
      http_concurrency       = null
      always_ready_http      = 0
      zone_redundant         = false
    })
  }

  identities = {
    for role, identity in azurerm_user_assigned_identity.app : role => {
      id           = identity.id
      client_id    = identity.client_id
      principal_id = identity.principal_id
    }
  }

  operators       = { for id in var.operator_principal_ids : id => id }
  token_authority = "https://login.microsoftonline.com/${data.azurerm_client_config.current.tenant_id}/v2.0"
}

check "the_api_is_registered" {
  assert {
    condition     = var.api_client_id != "00000000-0000-0000-0000-000000000000"
    error_message = "api_client_id is still the placeholder: no token will be accepted. infra/bootstrap.sh registers the API and prints its id."
  }
}

resource "azurerm_resource_group" "this" {
  name     = "${local.prefix}-rg"
  location = var.location
  tags     = local.tags
}

# Apart from the apps, so that their rights do not wait for them: all are in place before code is deployed.
resource "azurerm_user_assigned_identity" "app" {
  for_each = local.roles

  name                = "${local.prefix}-${each.key}"
  resource_group_name = azurerm_resource_group.this.name
  location            = var.location
  tags                = local.tags
}

module "monitoring" {
  source = "./modules/monitoring"

  prefix              = local.prefix
  resource_group_name = azurerm_resource_group.this.name
  location            = var.location
  tags                = local.tags
  retention_in_days   = var.monitoring.retention_in_days
  daily_quota_gb      = var.monitoring.daily_quota_gb
  publishers          = { for role, identity in local.identities : role => identity.principal_id }
}

module "cosmos" {
  source = "./modules/cosmos"

  prefix                     = local.prefix
  suffix                     = local.suffix
  resource_group_name        = azurerm_resource_group.this.name
  location                   = var.location
  tags                       = local.tags
  serverless                 = var.cosmos.serverless
  zone_redundant             = var.cosmos.zone_redundant
  failover_location          = var.cosmos.failover_location
  backup_tier                = var.cosmos.backup_tier
  delete_lock                = var.cosmos.delete_lock
  max_throughput             = var.cosmos.max_throughput
  private_networking         = var.private_networking
  log_analytics_workspace_id = module.monitoring.workspace_id

  principals = merge(
    { for role, identity in local.identities : role => { app = identity.principal_id } },
    { operators = local.operators },
    { erasers = { for id in var.eraser_principal_ids : id => id } },
  )
}

module "event_hubs" {
  source = "./modules/event_hubs"
  count  = var.event_hubs == null ? 0 : 1

  prefix                   = local.prefix
  suffix                   = local.suffix
  resource_group_name      = azurerm_resource_group.this.name
  location                 = var.location
  tags                     = local.tags
  sku                      = var.event_hubs.sku
  capacity                 = var.event_hubs.capacity
  maximum_throughput_units = var.event_hubs.maximum_throughput_units
  partitions               = var.event_hubs.partitions
  retention_hours          = var.event_hubs.retention_hours
  consumer_groups          = var.event_hubs.consumer_groups
  private_networking       = var.private_networking

  senders   = { projectors = local.identities["projectors"].principal_id }
  receivers = local.operators
}

module "vault" {
  source = "./modules/vault"

  name                       = "${var.name}${var.environment}${local.suffix}"
  resource_group_name        = azurerm_resource_group.this.name
  location                   = var.location
  tenant_id                  = data.azurerm_client_config.current.tenant_id
  tags                       = local.tags
  deployer_object_id         = data.azurerm_client_config.current.object_id
  private_networking         = var.private_networking
  deployment_ip_ranges       = var.deployment_ip_ranges
  log_analytics_workspace_id = module.monitoring.workspace_id

  # Commands encrypt personal data, queries show it to those who may see it. Projectors never need it.
  wrappers  = { for role in ["commands", "queries"] : role => local.identities[role].principal_id }
  operators = local.operators
}

module "network" {
  source = "./modules/network"
  count  = var.private_networking ? 1 : 0

  prefix              = local.prefix
  resource_group_name = azurerm_resource_group.this.name
  location            = var.location
  tags                = local.tags
  address_space       = var.address_space

  targets = merge(
    {
      cosmos = { resource_id = module.cosmos.account_id, subresource = "Sql" }
      vault  = { resource_id = module.vault.id, subresource = "vault" }
    },
    { for hubs in module.event_hubs[*] : "hubs" => { resource_id = hubs.namespace_id, subresource = "namespace" } },
    { for role, app in module.function_app : role => { resource_id = app.id, subresource = "sites" } },
    { for role, app in module.function_app : "${role}-storage" => { resource_id = app.storage_account_id, subresource = "blob" } },
  )
}

module "function_app" {
  source   = "./modules/function_app"
  for_each = local.roles

  prefix                                 = local.prefix
  suffix                                 = local.suffix
  role                                   = each.key
  storage_account_name                   = "${var.name}${var.environment}${each.value.storage}${local.suffix}"
  resource_group_name                    = azurerm_resource_group.this.name
  location                               = var.location
  tags                                   = local.tags
  identity                               = local.identities[each.key]
  size                                   = local.sizes[each.key]
  python_version                         = "3.13"
  app_settings                           = local.app_settings[each.key]
  application_insights_connection_string = module.monitoring.application_insights_connection_string
  private_networking                     = var.private_networking
  subnet_id                              = var.private_networking ? module.network[0].subnet_ids["apps"] : null
  deployment_ip_ranges                   = var.deployment_ip_ranges
}

module "gateway" {
  source = "./modules/gateway"

  prefix                     = local.prefix
  suffix                     = local.suffix
  resource_group_name        = azurerm_resource_group.this.name
  location                   = var.location
  tags                       = local.tags
  sku_name                   = var.gateway.sku_name
  publisher_name             = var.gateway.publisher_name
  publisher_email            = var.gateway.publisher_email
  rate_limit_calls           = var.gateway.rate_limit_calls
  rate_limit_period_seconds  = var.gateway.rate_limit_period_seconds
  token_authority            = local.token_authority
  api_client_id              = var.api_client_id
  openapi_directory          = "${path.root}/openapi"
  policy_directory           = "${path.root}/policies"
  subnet_id                  = var.private_networking ? module.network[0].subnet_ids["gateway"] : null
  log_analytics_workspace_id = module.monitoring.workspace_id

  backends = {
    for role in ["commands", "queries"] : role => {
      id       = module.function_app[role].id
      hostname = module.function_app[role].hostname
    }
  }
}

module "alerts" {
  source = "./modules/alerts"

  prefix                 = local.prefix
  resource_group_name    = azurerm_resource_group.this.name
  resource_group_id      = azurerm_resource_group.this.id
  location               = var.location
  tags                   = local.tags
  workspace_id           = module.monitoring.workspace_id
  cosmos_account_id      = module.cosmos.account_id
  gateway_id             = module.gateway.id
  enabled                = var.alerts.enabled
  emails                 = var.alerts.emails
  evaluation             = var.alerts.evaluation
  lag_seconds            = var.alerts.lag_seconds
  throttled_percent      = var.alerts.throttled_percent
  stuck_transfer_minutes = var.alerts.stuck_transfer_minutes
  budget_amount          = var.budget.amount
  budget_start_date      = var.budget.start_date
}
