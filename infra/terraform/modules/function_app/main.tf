# One Flex Consumption app on a plan of its own, with a storage account of its own: the identity of one app must not be
# able to replace the package of another. No key and no secret anywhere.

resource "azurerm_service_plan" "this" {
  #checkov:skip=CKV_AZURE_212:Flex Consumption scales from zero by itself; always_ready below keeps instances warm.
  #checkov:skip=CKV_AZURE_225:Zone balancing follows the app's size in the variables; a dev installation has one zone.
  name                   = "${var.prefix}-${var.role}-plan"
  resource_group_name    = var.resource_group_name
  location               = var.location
  os_type                = "Linux"
  sku_name               = "FC1"
  zone_balancing_enabled = var.size.zone_redundant
  tags                   = var.tags
}

resource "azurerm_storage_account" "this" {
  #checkov:skip=CKV_AZURE_33:The account has no queues.
  #checkov:skip=CKV_AZURE_206:Locally or zone redundant: it holds the deployed package and the host's locks, both made anew by a deployment.
  #checkov:skip=CKV2_AZURE_1:Microsoft-managed keys: the package is no secret.
  #checkov:skip=CKV_AZURE_35:The firewall denies by default with private_networking; without it only Entra tokens are accepted.
  #checkov:skip=CKV_AZURE_59:Closed with private_networking; without it only Entra tokens are accepted.
  #checkov:skip=CKV2_AZURE_33:A private endpoint exists with private_networking (modules/network).
  #checkov:skip=CKV2_AZURE_41:Shared keys are off, so no SAS can be signed with one.
  name                = var.storage_account_name
  resource_group_name = var.resource_group_name
  location            = var.location
  tags                = var.tags

  account_kind             = "StorageV2"
  account_tier             = "Standard"
  account_replication_type = var.size.zone_redundant ? "ZRS" : "LRS"

  shared_access_key_enabled         = false
  default_to_oauth_authentication   = true
  local_user_enabled                = false
  allow_nested_items_to_be_public   = false
  cross_tenant_replication_enabled  = false
  https_traffic_only_enabled        = true
  min_tls_version                   = "TLS1_2"
  infrastructure_encryption_enabled = true
  public_network_access_enabled     = !var.private_networking

  blob_properties {
    delete_retention_policy {
      days = 7
    }
    container_delete_retention_policy {
      days = 7
    }
  }

  network_rules {
    default_action = var.private_networking ? "Deny" : "Allow"
    bypass         = ["AzureServices"]
  }
}

resource "azurerm_storage_container" "packages" {
  #checkov:skip=CKV2_AZURE_21:Reads of a deployment package tell nothing; the account has no other content.
  name                  = "packages"
  storage_account_id    = azurerm_storage_account.this.id
  container_access_type = "private"
}

resource "azurerm_role_assignment" "host_storage" {
  scope                = azurerm_storage_account.this.id
  role_definition_name = "Storage Blob Data Owner" # what the Functions host asks for: its locks are blob leases
  principal_id         = var.identity.principal_id
}

resource "azurerm_function_app_flex_consumption" "this" {
  #checkov:skip=CKV_AZURE_221:Closed with private_networking; without it every request still needs a token.
  name                = "${var.prefix}-${var.role}-${var.suffix}"
  resource_group_name = var.resource_group_name
  location            = var.location
  service_plan_id     = azurerm_service_plan.this.id
  tags                = merge(var.tags, { azd-service-name = var.role })

  runtime_name    = "python"
  runtime_version = var.python_version

  storage_container_type            = "blobContainer"
  storage_container_endpoint        = "${azurerm_storage_account.this.primary_blob_endpoint}${azurerm_storage_container.packages.name}"
  storage_authentication_type       = "UserAssignedIdentity"
  storage_user_assigned_identity_id = var.identity.id

  instance_memory_in_mb  = var.size.instance_memory_in_mb
  maximum_instance_count = var.size.maximum_instance_count
  http_concurrency       = var.size.http_concurrency

  https_only                                     = true
  webdeploy_publish_basic_authentication_enabled = false
  client_certificate_enabled                     = false
  public_network_access_enabled                  = !var.private_networking || length(var.deployment_ip_ranges) > 0
  virtual_network_subnet_id                      = var.subnet_id

  identity {
    type         = "UserAssigned"
    identity_ids = [var.identity.id]
  }

  site_config {
    minimum_tls_version                    = "1.2"
    scm_minimum_tls_version                = "1.2"
    http2_enabled                          = true
    vnet_route_all_enabled                 = var.private_networking
    application_insights_connection_string = var.application_insights_connection_string
    ip_restriction_default_action          = var.private_networking ? "Deny" : "Allow"
    scm_ip_restriction_default_action      = var.private_networking ? "Deny" : "Allow"

    dynamic "scm_ip_restriction" {
      for_each = var.private_networking ? sort(tolist(var.deployment_ip_ranges)) : []
      content {
        name       = "deployment-${scm_ip_restriction.key}"
        action     = "Allow"
        priority   = 100 + scm_ip_restriction.key
        ip_address = scm_ip_restriction.value
      }
    }
  }

  dynamic "always_ready" {
    for_each = var.size.always_ready_http > 0 ? [var.size.always_ready_http] : []
    content {
      name           = "http"
      instance_count = always_ready.value
    }
  }

  app_settings = merge(var.app_settings, {
    # The provider always writes an AzureWebJobsStorage without a key; an empty one lets the host take the identity.
    AzureWebJobsStorage              = ""
    AzureWebJobsStorage__accountName = azurerm_storage_account.this.name
    AzureWebJobsStorage__credential  = "managedidentity"
    AzureWebJobsStorage__clientId    = var.identity.client_id
  })

  lifecycle {
    ignore_changes = [app_settings["AzureWebJobsStorage"]]
  }

  depends_on = [azurerm_role_assignment.host_storage]
}
