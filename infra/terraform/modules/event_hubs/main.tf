# The hub that other systems read. Nothing here accepts a key.

resource "azurerm_eventhub_namespace" "this" {
  name                = "${var.prefix}-hubs-${var.suffix}"
  resource_group_name = var.resource_group_name
  location            = var.location
  sku                 = var.sku
  capacity            = var.capacity
  tags                = var.tags

  auto_inflate_enabled     = var.maximum_throughput_units != null
  maximum_throughput_units = var.maximum_throughput_units

  local_authentication_enabled  = false
  minimum_tls_version           = "1.2"
  public_network_access_enabled = !var.private_networking

  lifecycle {
    ignore_changes = [capacity] # auto-inflate raises it
  }
}

resource "azurerm_eventhub" "ledger" {
  name            = "ledger-events"
  namespace_id    = azurerm_eventhub_namespace.this.id
  partition_count = var.partitions

  retention_description {
    cleanup_policy          = "Delete"
    retention_time_in_hours = var.retention_hours
  }
}

resource "azurerm_eventhub_consumer_group" "this" {
  for_each = var.consumer_groups

  name                = each.value
  namespace_name      = azurerm_eventhub_namespace.this.name
  eventhub_name       = azurerm_eventhub.ledger.name
  resource_group_name = var.resource_group_name
}

resource "azurerm_role_assignment" "sender" {
  for_each = var.senders

  scope                = azurerm_eventhub.ledger.id
  role_definition_name = "Azure Event Hubs Data Sender"
  principal_id         = each.value
}

resource "azurerm_role_assignment" "receiver" {
  for_each = var.receivers

  scope                = azurerm_eventhub.ledger.id
  role_definition_name = "Azure Event Hubs Data Receiver"
  principal_id         = each.value
}
