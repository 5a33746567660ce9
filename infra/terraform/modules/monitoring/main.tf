# Where logs, traces and metrics go. Neither the workspace nor Application Insights takes a key: apps send with their
# identities.

resource "azurerm_log_analytics_workspace" "this" {
  name                = "${var.prefix}-logs"
  resource_group_name = var.resource_group_name
  location            = var.location
  tags                = var.tags

  sku                          = "PerGB2018"
  retention_in_days            = var.retention_in_days
  daily_quota_gb               = var.daily_quota_gb
  local_authentication_enabled = false
}

resource "azurerm_application_insights" "this" {
  name                = "${var.prefix}-insights"
  resource_group_name = var.resource_group_name
  location            = var.location
  workspace_id        = azurerm_log_analytics_workspace.this.id
  application_type    = "web"
  tags                = var.tags

  local_authentication_disabled = true
  retention_in_days             = max(var.retention_in_days, 30)
}

resource "azurerm_role_assignment" "publisher" {
  for_each = var.publishers

  scope                = azurerm_application_insights.this.id
  role_definition_name = "Monitoring Metrics Publisher"
  principal_id         = each.value
}
