# The gateway: the rate limit that its tier can count, both apps behind it, the operations of both before it.

mock_provider "azurerm" {
  override_during = plan
}

variables {
  prefix                    = "tidemark-test"
  suffix                    = "abcde"
  resource_group_name       = "rg"
  location                  = "westeurope"
  tags                      = {}
  sku_name                  = "Consumption_0"
  publisher_name            = "Test"
  publisher_email           = "test@example.com"
  rate_limit_calls          = 300
  rate_limit_period_seconds = 60
  token_authority           = "https://login.microsoftonline.com/00000000-0000-0000-0000-000000000002/v2.0"
  api_client_id             = "00000000-0000-0000-0000-00000000000a"
  openapi_directory         = "./openapi"
  policy_directory          = "./policies"
  subnet_id                 = null

  log_analytics_workspace_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/logs"

  backends = {
    commands = { id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Web/sites/commands", hostname = "commands.example.net" }
    queries  = { id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Web/sites/queries", hostname = "queries.example.net" }
  }
}

run "consumption" {
  command = plan

  module {
    source = "./modules/gateway"
  }

  assert {
    condition     = !strcontains(azurerm_api_management_policy_fragment.rate_limit.value, "<rate-limit-by-key")
    error_message = "The Consumption tier has no rate-limit-by-key."
  }

  assert {
    condition     = length(azurerm_monitor_diagnostic_setting.this) == 0
    error_message = "The Consumption tier has no logs to send."
  }

  assert {
    condition     = azurerm_api_management_backend.this["queries"].url == "https://queries.example.net"
    error_message = "The backends must be the apps, by https."
  }

  assert {
    condition     = azurerm_api_management_named_value.this["openid-configuration"].value == "https://login.microsoftonline.com/00000000-0000-0000-0000-000000000002/v2.0/.well-known/openid-configuration"
    error_message = "Tokens must be checked with the keys of this tenant."
  }

  assert {
    condition     = contains(output.operations, "POST /accounts") && contains(output.operations, "GET /accounts/{account_id}") && contains(output.operations, "HEAD /accounts/{account_id}")
    error_message = "The gateway must know the operations of both apps."
  }

  assert {
    condition     = !azurerm_api_management_api.tidemark.subscription_required && azurerm_api_management_api.tidemark.protocols == toset(["https"])
    error_message = "Callers come by https with a token, and with no other key."
  }
}

run "standard" {
  command = plan

  module {
    source = "./modules/gateway"
  }

  variables {
    sku_name  = "StandardV2_1"
    subnet_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/n/subnets/gateway"
  }

  assert {
    condition     = strcontains(azurerm_api_management_policy_fragment.rate_limit.value, "<rate-limit-by-key")
    error_message = "A tier that can must count each caller alone."
  }

  assert {
    condition     = length(azurerm_monitor_diagnostic_setting.this) == 1 && azurerm_api_management.this.virtual_network_type == "External"
    error_message = "A gateway with a subnet must join it, and send its logs."
  }
}
