# One API before two apps. The operations come from the OpenAPI documents of both; policies/api.xml sends reads to one
# and everything else to the other.

locals {
  consumption = startswith(var.sku_name, "Consumption")

  documents = [for name in ["commands", "queries"] : jsondecode(file("${var.openapi_directory}/${name}.json"))]

  # Both apps have operations under the same paths, which API Management wants in one document.
  paths = {
    for path in distinct(flatten([for document in local.documents : keys(document.paths)])) :
    path => merge([for document in local.documents : try(document.paths[path], {})]...)
  }

  document = {
    openapi    = local.documents[0].openapi
    info       = { title = "Tidemark", version = local.documents[0].info.version }
    paths      = local.paths
    components = { schemas = merge([for document in local.documents : document.components.schemas]...) }
  }

  named_values = {
    openid-configuration = "${var.token_authority}/.well-known/openid-configuration"
    token-issuer         = var.token_authority
    api-audience         = var.api_client_id
    rate-limit-calls     = tostring(var.rate_limit_calls)
    rate-limit-period    = tostring(var.rate_limit_period_seconds)
  }
}

resource "azurerm_api_management" "this" {
  #checkov:skip=CKV_AZURE_107:The gateway is the public way in; behind it all is private with private_networking.
  #checkov:skip=CKV_AZURE_174:See CKV_AZURE_107.
  #checkov:skip=CKV_AZURE_152:Callers prove themselves with Entra tokens, not with certificates.
  #checkov:skip=CKV_AZURE_215:The apps behind it are addressed by https URLs only.
  name                = "${var.prefix}-api-${var.suffix}"
  resource_group_name = var.resource_group_name
  location            = var.location
  sku_name            = var.sku_name
  publisher_name      = var.publisher_name
  publisher_email     = var.publisher_email
  min_api_version     = "2021-08-01"
  tags                = var.tags

  virtual_network_type = var.subnet_id == null ? "None" : "External"

  identity {
    type = "SystemAssigned"
  }

  dynamic "virtual_network_configuration" {
    for_each = var.subnet_id == null ? [] : [var.subnet_id]
    content {
      subnet_id = virtual_network_configuration.value
    }
  }
}

resource "azurerm_api_management_named_value" "this" {
  for_each = local.named_values

  name                = each.key
  display_name        = each.key
  value               = each.value
  api_management_name = azurerm_api_management.this.name
  resource_group_name = var.resource_group_name
}

resource "azurerm_api_management_backend" "this" {
  for_each = var.backends

  name                = each.key
  api_management_name = azurerm_api_management.this.name
  resource_group_name = var.resource_group_name
  protocol            = "http"
  url                 = "https://${each.value.hostname}"
  resource_id         = "https://management.azure.com${each.value.id}"

  tls {
    validate_certificate_chain = true
    validate_certificate_name  = true
  }
}

resource "azurerm_api_management_policy_fragment" "rate_limit" {
  name              = "rate-limit"
  description       = local.consumption ? "One count for all callers" : "A count for each caller"
  api_management_id = azurerm_api_management.this.id
  format            = "rawxml"
  value             = file("${var.policy_directory}/rate-limit.${local.consumption ? "shared" : "by-caller"}.xml")

  depends_on = [azurerm_api_management_named_value.this]
}

resource "azurerm_api_management_policy" "global" {
  api_management_id = azurerm_api_management.this.id
  xml_content       = file("${var.policy_directory}/global.xml")
}

resource "azurerm_api_management_api" "tidemark" {
  name                = "tidemark"
  display_name        = "Tidemark"
  api_management_name = azurerm_api_management.this.name
  resource_group_name = var.resource_group_name
  revision            = "1"
  path                = ""
  protocols           = ["https"]
  # A token says who asks; a subscription key would be one more secret that says less.
  subscription_required = false

  import {
    content_format = "openapi+json"
    content_value  = jsonencode(local.document)
  }
}

resource "azurerm_api_management_api_policy" "tidemark" {
  api_name            = azurerm_api_management_api.tidemark.name
  api_management_name = azurerm_api_management.this.name
  resource_group_name = var.resource_group_name
  xml_content         = file("${var.policy_directory}/api.xml")

  depends_on = [
    azurerm_api_management_backend.this,
    azurerm_api_management_named_value.this,
    azurerm_api_management_policy_fragment.rate_limit,
  ]
}

resource "azurerm_monitor_diagnostic_setting" "this" {
  count = local.consumption ? 0 : 1 # the Consumption tier has metrics, but no logs

  name                           = "to-log-analytics"
  target_resource_id             = azurerm_api_management.this.id
  log_analytics_workspace_id     = var.log_analytics_workspace_id
  log_analytics_destination_type = "Dedicated"

  enabled_log {
    category = "GatewayLogs"
  }
}
