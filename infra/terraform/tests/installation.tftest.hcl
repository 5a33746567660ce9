# The whole installation: each app's environment, keys that are off, what is private, and what is refused.

mock_provider "azurerm" {
  mock_data "azurerm_client_config" {
    defaults = {
      subscription_id = "00000000-0000-0000-0000-000000000001"
      tenant_id       = "00000000-0000-0000-0000-000000000002"
      object_id       = "00000000-0000-0000-0000-000000000003"
    }
  }
}

variables {
  environment   = "test"
  api_client_id = "00000000-0000-0000-0000-00000000000a"
  cosmos        = { serverless = true }
  event_hubs    = { sku = "Standard", consumer_groups = ["reporting"] }
  gateway       = { sku_name = "Consumption_0", publisher_name = "Test", publisher_email = "test@example.com" }
  alerts        = { emails = ["test@example.com"] }
  budget        = { amount = 20, start_date = "2026-01-01T00:00:00Z" }
}

run "public" {
  command = plan

  assert {
    condition     = length(local.app_settings) == 3 && alltrue([for role, s in local.app_settings : s.TIDEMARK_ROLE == role && s.TIDEMARK_AUTH == "entra"])
    error_message = "Each app must know its role and check tokens."
  }

  assert {
    condition = (
      contains(keys(local.app_settings["projectors"]), "EVENTHUBS_HUB") &&
      !contains(keys(local.app_settings["commands"]), "EVENTHUBS_HUB") &&
      !contains(keys(local.app_settings["queries"]), "EVENTHUBS_HUB")
    )
    error_message = "The relay runs with the projectors; no other app publishes."
  }

  assert {
    condition = alltrue(flatten([
      for s in local.app_settings : [for name in keys(s) : !endswith(name, "KEY") && !strcontains(name, "SECRET") && !endswith(name, "CONNECTION_STRING")]
    ]))
    error_message = "No app may be given a key, a secret or a connection string."
  }

  assert {
    condition     = length(module.network) == 0
    error_message = "Without private_networking there is no network."
  }

  assert {
    condition     = contains(module.gateway.operations, "POST /accounts") && contains(module.gateway.operations, "GET /accounts/{account_id}")
    error_message = "The gateway must know the operations of both apps."
  }
}

run "without_a_hub" {
  command = plan

  variables {
    event_hubs = null
  }

  assert {
    condition     = length(module.event_hubs) == 0 && !contains(keys(local.app_settings["projectors"]), "EVENTHUBS_HUB")
    error_message = "Without a hub nothing is relayed."
  }
}

run "refuses_a_private_consumption_gateway" {
  command = plan

  variables {
    private_networking = true
  }

  expect_failures = [var.private_networking]
}

run "refuses_throughput_on_a_serverless_account" {
  command = plan

  variables {
    cosmos = { serverless = true, max_throughput = { events = 4000 } }
  }

  expect_failures = [var.cosmos]
}

run "refuses_consumer_groups_on_a_basic_hub" {
  command = plan

  variables {
    event_hubs = { sku = "Basic", consumer_groups = ["reporting"] }
  }

  expect_failures = [var.event_hubs]
}

run "refuses_an_alert_that_nobody_reads" {
  command = plan

  variables {
    alerts = { emails = [] }
  }

  expect_failures = [var.alerts]
}

run "refuses_a_name_that_storage_accounts_cannot_bear" {
  command = plan

  variables {
    name = "tidemark-ledger"
  }

  expect_failures = [var.name]
}

run "warns_of_the_placeholder" {
  command = plan

  variables {
    api_client_id = "00000000-0000-0000-0000-000000000000"
  }

  expect_failures = [check.the_api_is_registered]
}
