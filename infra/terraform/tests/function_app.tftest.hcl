# One app: no key, its own storage, and its host working with the app's identity.

mock_provider "azurerm" {
  override_during = plan
}

variables {
  prefix               = "tidemark-test"
  suffix               = "abcde"
  role                 = "queries"
  storage_account_name = "tidemarktestqryabcde"
  resource_group_name  = "rg"
  location             = "westeurope"
  tags                 = {}
  python_version       = "3.13"
  app_settings         = { TIDEMARK_ROLE = "queries" }
  private_networking   = false
  subnet_id            = null
  deployment_ip_ranges = []

  application_insights_connection_string = "InstrumentationKey=00000000-0000-0000-0000-000000000000"

  identity = {
    id           = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/queries"
    client_id    = "22222222-2222-2222-2222-222222222222"
    principal_id = "33333333-3333-3333-3333-333333333333"
  }

  size = {
    instance_memory_in_mb  = 512
    maximum_instance_count = 40
    http_concurrency       = null
    always_ready_http      = 0
    zone_redundant         = false
  }
}

run "public" {
  command = plan

  module {
    source = "./modules/function_app"
  }

  assert {
    condition = (
      !azurerm_storage_account.this.shared_access_key_enabled &&
      !azurerm_storage_account.this.allow_nested_items_to_be_public &&
      !azurerm_storage_account.this.local_user_enabled
    )
    error_message = "Storage must accept Entra tokens only."
  }

  assert {
    condition = (
      azurerm_function_app_flex_consumption.this.https_only &&
      !azurerm_function_app_flex_consumption.this.webdeploy_publish_basic_authentication_enabled
    )
    error_message = "The app must answer by https only, and take no deployment with a password."
  }

  assert {
    condition = (
      azurerm_function_app_flex_consumption.this.storage_authentication_type == "UserAssignedIdentity" &&
      azurerm_function_app_flex_consumption.this.app_settings["AzureWebJobsStorage"] == "" &&
      azurerm_function_app_flex_consumption.this.app_settings["AzureWebJobsStorage__accountName"] == "tidemarktestqryabcde" &&
      azurerm_function_app_flex_consumption.this.app_settings["AzureWebJobsStorage__credential"] == "managedidentity"
    )
    error_message = "The host must come to its storage with the app's identity."
  }

  assert {
    condition = length(setintersection(
      ["FUNCTIONS_WORKER_RUNTIME", "SCM_DO_BUILD_DURING_DEPLOYMENT", "WEBSITE_RUN_FROM_PACKAGE"],
      keys(azurerm_function_app_flex_consumption.this.app_settings),
    )) == 0
    error_message = "Flex Consumption refuses these settings."
  }

  assert {
    condition     = length(azurerm_function_app_flex_consumption.this.always_ready) == 0
    error_message = "Without always_ready_http the app sleeps when idle."
  }
}

run "private" {
  command = plan

  module {
    source = "./modules/function_app"
  }

  variables {
    private_networking   = true
    deployment_ip_ranges = ["203.0.113.7/32"]
    subnet_id            = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/n/subnets/apps"
    size = {
      instance_memory_in_mb  = 2048
      maximum_instance_count = 100
      http_concurrency       = 32
      always_ready_http      = 3
      zone_redundant         = true
    }
  }

  assert {
    condition     = !azurerm_storage_account.this.public_network_access_enabled && azurerm_storage_account.this.account_replication_type == "ZRS"
    error_message = "Private, zone redundant storage must be both."
  }

  assert {
    condition = (
      azurerm_function_app_flex_consumption.this.site_config[0].ip_restriction_default_action == "Deny" &&
      azurerm_function_app_flex_consumption.this.site_config[0].scm_ip_restriction_default_action == "Deny" &&
      [for r in azurerm_function_app_flex_consumption.this.site_config[0].scm_ip_restriction : r.ip_address] == ["203.0.113.7/32"]
    )
    error_message = "Only the runner that was named may deploy from outside, and nobody may call."
  }

  assert {
    condition     = azurerm_service_plan.this.zone_balancing_enabled && one(azurerm_function_app_flex_consumption.this.always_ready).instance_count == 3
    error_message = "The size that was asked for must arrive."
  }
}
