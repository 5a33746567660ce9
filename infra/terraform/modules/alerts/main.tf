# What someone would want to be woken for, each with the sentence to read first. The queries are files of their own, so
# that the same text can be pasted into Log Analytics.

locals {
  # Minimum: the whole quarter of an hour was bad. Maximum: one look was enough.
  log_alerts = {
    lag = {
      severity    = 2
      aggregation = "Minimum"
      measure     = "lag_seconds"
      threshold   = var.lag_seconds
      dimension   = "consumer"
      description = "A view or the relay lags: queries show old balances. Look at `tidemark replay status` and at throttling first."
    }
    silence = {
      severity    = 1
      aggregation = "Count"
      measure     = null
      threshold   = 0
      dimension   = null
      description = "No consumer reports: the projectors app is down or sends no telemetry. Events are safe; views and hub stand still."
    }
    deadletters = {
      severity    = 2
      aggregation = "Maximum"
      measure     = "parked_streams"
      threshold   = 0
      dimension   = "consumer"
      description = "A view parked a stream whose event it cannot apply; all other streams go on. `tidemark replay deadletters` lists, retries and drops."
    }
    transfers = {
      severity    = 1
      aggregation = "Maximum"
      measure     = "oldest_minutes"
      threshold   = var.stuck_transfer_minutes
      dimension   = null
      description = "A transfer is stuck: money is held at its source. The watchdog resumes it every minute; look at what its last attempt said."
    }
    verify = {
      severity    = 0
      aggregation = "Maximum"
      measure     = "broken_streams"
      threshold   = 0
      dimension   = null
      description = "The event log was altered. Keep everything as it is, note the time, and compare with the last digest: docs/operations.md."
    }
    throttled = {
      severity    = 3
      aggregation = "Average"
      measure     = "throttled_percent"
      threshold   = var.throttled_percent
      dimension   = "container"
      description = "Cosmos DB throttles: raise the container's ceiling in cosmos.max_throughput, or look for a hot stream."
    }
  }

  # Missing tables are an error to a query rule, and these exist only after the first telemetry.
  skip_query_validation = true

  panels = [
    { title = "Lag of each consumer, seconds", query = "lag", chart = "timechart" },
    { title = "Parked streams", query = "deadletters", chart = "timechart" },
    { title = "Oldest open transfer, minutes", query = "transfers", chart = "timechart" },
    { title = "Throttled requests, percent", query = "throttled", chart = "timechart" },
    { title = "Requests", query = "commands", chart = "table" },
    { title = "Streams that did not verify", query = "verify", chart = "timechart" },
  ]
}

resource "azurerm_monitor_action_group" "this" {
  name                = "${var.prefix}-oncall"
  resource_group_name = var.resource_group_name
  short_name          = "tidemark"
  tags                = var.tags

  dynamic "email_receiver" {
    for_each = var.emails
    content {
      name                    = email_receiver.value
      email_address           = email_receiver.value
      use_common_alert_schema = true
    }
  }
}

resource "azurerm_monitor_scheduled_query_rules_alert_v2" "this" {
  for_each = local.log_alerts

  name                    = "${var.prefix}-${each.key}"
  display_name            = "Tidemark: ${each.key}"
  description             = each.value.description
  resource_group_name     = var.resource_group_name
  location                = var.location
  scopes                  = [var.workspace_id]
  severity                = each.value.severity
  enabled                 = var.enabled
  evaluation_frequency    = var.evaluation
  window_duration         = "PT15M"
  auto_mitigation_enabled = each.key != "verify" # what was altered stays altered, though nobody says so again
  skip_query_validation   = local.skip_query_validation
  tags                    = var.tags

  criteria {
    query                   = file("${path.module}/queries/${each.key}.kql")
    operator                = "GreaterThan"
    threshold               = each.value.threshold
    time_aggregation_method = each.value.aggregation
    metric_measure_column   = each.value.measure

    dynamic "dimension" {
      for_each = each.value.dimension == null ? [] : [each.value.dimension]
      content {
        name     = dimension.value
        operator = "Include"
        values   = ["*"]
      }
    }
  }

  action {
    action_groups = [azurerm_monitor_action_group.this.id]
  }
}

resource "azurerm_monitor_metric_alert" "gateway_errors" {
  name                = "${var.prefix}-gateway-errors"
  resource_group_name = var.resource_group_name
  scopes              = [var.gateway_id]
  description         = "Callers get 5xx. Commands are safe to repeat with their keys; look at the apps' failures first."
  severity            = 1
  enabled             = var.enabled
  frequency           = "PT1M"
  window_size         = "PT5M"
  tags                = var.tags

  criteria {
    metric_namespace = "Microsoft.ApiManagement/service"
    metric_name      = "Requests"
    aggregation      = "Total"
    operator         = "GreaterThan"
    threshold        = 5

    dimension {
      name     = "GatewayResponseCodeCategory"
      operator = "Include"
      values   = ["5xx"]
    }
  }

  action {
    action_group_id = azurerm_monitor_action_group.this.id
  }
}

# Minutes before the query on the share of throttled requests has data, and whether or not its preview tables arrive.
resource "azurerm_monitor_metric_alert" "throttled" {
  name                = "${var.prefix}-throttled-requests"
  resource_group_name = var.resource_group_name
  scopes              = [var.cosmos_account_id]
  description         = "Cosmos DB answered 429 unusually often in five minutes."
  severity            = 3
  enabled             = var.enabled
  frequency           = "PT1M"
  window_size         = "PT5M"
  tags                = var.tags

  criteria {
    metric_namespace = "Microsoft.DocumentDB/databaseAccounts"
    metric_name      = "TotalRequests"
    aggregation      = "Count"
    operator         = "GreaterThan"
    threshold        = var.throttled_requests

    dimension {
      name     = "StatusCode"
      operator = "Include"
      values   = ["429"]
    }
  }

  action {
    action_group_id = azurerm_monitor_action_group.this.id
  }
}

resource "azurerm_application_insights_workbook" "this" {
  name                = uuidv5("url", "tidemark:${var.prefix}:workbook")
  display_name        = "Tidemark ${var.prefix}"
  resource_group_name = var.resource_group_name
  location            = var.location
  source_id           = lower(var.workspace_id)
  category            = "workbook"
  tags                = var.tags

  data_json = jsonencode({
    version = "Notebook/1.0"
    items = [
      for panel in local.panels : {
        type = 3
        name = panel.query
        content = {
          version       = "KqlItem/1.0"
          title         = panel.title
          query         = file("${path.module}/queries/${panel.query}.kql")
          queryType     = 0
          resourceType  = "microsoft.operationalinsights/workspaces"
          visualization = panel.chart
          timeContext   = { durationMs = 14400000 }
          size          = 0
        }
      }
    ]
    fallbackResourceIds = [var.workspace_id]
  })
}

resource "azurerm_consumption_budget_resource_group" "this" {
  name              = "${var.prefix}-budget"
  resource_group_id = var.resource_group_id
  amount            = var.budget_amount
  time_grain        = "Monthly"

  time_period {
    start_date = var.budget_start_date
  }

  dynamic "notification" {
    for_each = {
      eighty   = { threshold = 80, type = "Actual" }
      spent    = { threshold = 100, type = "Actual" }
      forecast = { threshold = 100, type = "Forecasted" }
    }
    content {
      operator       = "GreaterThan"
      threshold      = notification.value.threshold
      threshold_type = notification.value.type
      contact_emails = var.emails
    }
  }

  lifecycle {
    # Azure takes no start before this month, and does not mind one that has passed since.
    ignore_changes = [time_period]
  }
}
