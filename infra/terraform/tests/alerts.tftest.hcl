# What someone is woken for: every rule reaches a person, with the threshold that was chosen.

mock_provider "azurerm" {
  override_during = plan
}

variables {
  prefix                 = "tidemark-test"
  resource_group_name    = "rg"
  resource_group_id      = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg"
  location               = "westeurope"
  tags                   = {}
  workspace_id           = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/logs"
  cosmos_account_id      = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.DocumentDB/databaseAccounts/test"
  gateway_id             = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ApiManagement/service/test"
  enabled                = true
  emails                 = ["a@example.com", "b@example.com"]
  evaluation             = "PT5M"
  lag_seconds            = 30
  throttled_percent      = 2
  stuck_transfer_minutes = 7
  budget_amount          = 20
  budget_start_date      = "2026-01-01T00:00:00Z"
}

run "alerts" {
  command = plan

  module {
    source = "./modules/alerts"
  }

  assert {
    condition = { for name, rule in output.rules : name => rule.threshold } == {
      lag = 30, silence = 0, deadletters = 0, transfers = 7, verify = 0, throttled = 2
    }
    error_message = "The thresholds must be those that were chosen."
  }

  assert {
    condition     = output.rules["verify"].severity == 0
    error_message = "Nothing is worse than a log that was altered."
  }

  assert {
    condition     = length(azurerm_monitor_action_group.this.email_receiver) == 2
    error_message = "Everybody who is named must be told."
  }

  assert {
    condition = alltrue([
      for rule in azurerm_monitor_scheduled_query_rules_alert_v2.this :
      rule.enabled && length(rule.action[0].action_groups) == 1
    ])
    error_message = "Every rule must reach the action group."
  }

  assert {
    condition     = alltrue([for item in jsondecode(azurerm_application_insights_workbook.this.data_json).items : length(item.content.query) > 0])
    error_message = "Every panel of the workbook needs its query."
  }
}
