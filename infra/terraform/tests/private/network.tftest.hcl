# The installation with private_networking: a network, and an end point in it for everything that holds data.

mock_provider "azurerm" {
  override_during = plan

  mock_data "azurerm_client_config" {
    defaults = {
      subscription_id = "00000000-0000-0000-0000-000000000001"
      tenant_id       = "00000000-0000-0000-0000-000000000002"
      object_id       = "00000000-0000-0000-0000-000000000003"
    }
  }
}

variables {
  environment          = "test"
  api_client_id        = "00000000-0000-0000-0000-00000000000a"
  cosmos               = { serverless = true }
  event_hubs           = { sku = "Standard", consumer_groups = ["reporting"] }
  gateway              = { sku_name = "StandardV2_1", publisher_name = "Test", publisher_email = "test@example.com" }
  alerts               = { emails = ["test@example.com"] }
  private_networking   = true
  deployment_ip_ranges = ["203.0.113.7/32"]

  budget = { amount = 20, start_date = "2026-01-01T00:00:00Z" }
}

run "private" {
  command = plan

  assert {
    condition = toset(keys(module.network[0].endpoints)) == toset([
      "cosmos", "vault", "hubs", "commands", "queries", "projectors", "commands-storage", "queries-storage", "projectors-storage",
    ])
    error_message = "Whatever holds data or runs code needs a private end point."
  }

  assert {
    condition     = toset(keys(module.network[0].subnet_ids)) == toset(["apps", "gateway", "endpoints"])
    error_message = "Apps, gateway and end points each have a subnet."
  }
}

run "without_a_hub" {
  command = plan

  variables {
    event_hubs = null
  }

  assert {
    condition     = !contains(keys(module.network[0].endpoints), "hubs")
    error_message = "Without a hub there is no end point for one."
  }
}
