# Two keys of the audit trail. "subjects" wraps the data keys under which personal data is encrypted before it is
# hashed; the apps wrap and unwrap with it and cannot read it. The key that signs digests is Ed25519, which Key Vault
# cannot hold as a key: an operator stores it as the secret "digest" (docs/operations.md), and no app may read it.

resource "azurerm_key_vault" "this" {
  #checkov:skip=CKV_AZURE_189:Closed with private_networking; without it every call needs an Entra token and a role.
  #checkov:skip=CKV_AZURE_109:See CKV_AZURE_189: the firewall denies by default with private_networking.
  #checkov:skip=CKV2_AZURE_32:A private endpoint exists with private_networking (modules/network).
  name                = var.name
  resource_group_name = var.resource_group_name
  location            = var.location
  tenant_id           = var.tenant_id
  sku_name            = "standard"
  tags                = var.tags

  rbac_authorization_enabled    = true
  purge_protection_enabled      = true
  soft_delete_retention_days    = 90
  public_network_access_enabled = !var.private_networking || length(var.deployment_ip_ranges) > 0

  network_acls {
    default_action = var.private_networking ? "Deny" : "Allow"
    bypass         = "AzureServices"
    ip_rules       = var.deployment_ip_ranges
  }
}

resource "azurerm_role_assignment" "deployer" {
  scope                = azurerm_key_vault.this.id
  role_definition_name = "Key Vault Crypto Officer" # creates the key below; the role cannot use it
  principal_id         = var.deployer_object_id
}

resource "azurerm_key_vault_key" "subjects" {
  #checkov:skip=CKV_AZURE_112:A software key: dev must not pay for an HSM, and the data keys it wraps are in Cosmos DB.
  #checkov:skip=CKV_AZURE_40:No expiry: an expired key would make personal data of the ledger unreadable.
  name         = "subjects"
  key_vault_id = azurerm_key_vault.this.id
  key_type     = "RSA"
  key_size     = 3072
  key_opts     = ["wrapKey", "unwrapKey"]

  lifecycle {
    prevent_destroy = true
  }

  depends_on = [azurerm_role_assignment.deployer]
}

resource "azurerm_role_assignment" "wrapper" {
  for_each = var.wrappers

  scope                = azurerm_key_vault_key.subjects.resource_versionless_id
  role_definition_name = "Key Vault Crypto Service Encryption User"
  principal_id         = each.value
}

resource "azurerm_role_assignment" "operator_secrets" {
  for_each = var.operators

  scope                = azurerm_key_vault.this.id
  role_definition_name = "Key Vault Secrets Officer"
  principal_id         = each.value
}

resource "azurerm_monitor_diagnostic_setting" "this" {
  name                       = "to-log-analytics"
  target_resource_id         = azurerm_key_vault.this.id
  log_analytics_workspace_id = var.log_analytics_workspace_id

  enabled_log {
    category = "AuditEvent"
  }
}
