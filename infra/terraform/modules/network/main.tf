# One virtual network with three subnets: where the apps' traffic leaves, where the gateway's leaves, and where the
# private endpoints are. Names resolve to the endpoints through private zones linked to it.

locals {
  zones = {
    Sql       = "privatelink.documents.azure.com"
    namespace = "privatelink.servicebus.windows.net"
    vault     = "privatelink.vaultcore.azure.net"
    blob      = "privatelink.blob.core.windows.net"
    sites     = "privatelink.azurewebsites.net"
  }

  subnets = {
    apps      = { index = 0, delegation = "Microsoft.App/environments" }
    gateway   = { index = 1, delegation = "Microsoft.Web/serverFarms" }
    endpoints = { index = 2, delegation = null }
  }
}

resource "azurerm_virtual_network" "this" {
  name                = "${var.prefix}-network"
  resource_group_name = var.resource_group_name
  location            = var.location
  address_space       = [var.address_space]
  tags                = var.tags
}

resource "azurerm_subnet" "this" {
  for_each = local.subnets

  name                            = each.key
  resource_group_name             = var.resource_group_name
  virtual_network_name            = azurerm_virtual_network.this.name
  address_prefixes                = [cidrsubnet(var.address_space, 4, each.value.index)]
  default_outbound_access_enabled = false

  dynamic "delegation" {
    for_each = each.value.delegation == null ? [] : [each.value.delegation]
    content {
      name = "delegation"
      service_delegation {
        name    = delegation.value
        actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
      }
    }
  }
}

# The defaults of a security group already keep everybody outside the network out; a group on every subnet is where a
# team writes its own rules.
resource "azurerm_network_security_group" "this" {
  for_each = local.subnets

  name                = "${var.prefix}-${each.key}"
  resource_group_name = var.resource_group_name
  location            = var.location
  tags                = var.tags
}

resource "azurerm_subnet_network_security_group_association" "this" {
  for_each = local.subnets

  subnet_id                 = azurerm_subnet.this[each.key].id
  network_security_group_id = azurerm_network_security_group.this[each.key].id
}

resource "azurerm_private_dns_zone" "this" {
  for_each = local.zones

  name                = each.value
  resource_group_name = var.resource_group_name
  tags                = var.tags
}

resource "azurerm_private_dns_zone_virtual_network_link" "this" {
  for_each = local.zones

  name                  = "${var.prefix}-${lower(each.key)}"
  resource_group_name   = var.resource_group_name
  private_dns_zone_name = azurerm_private_dns_zone.this[each.key].name
  virtual_network_id    = azurerm_virtual_network.this.id
  tags                  = var.tags
}

resource "azurerm_private_endpoint" "this" {
  for_each = var.targets

  name                = "${var.prefix}-${each.key}"
  resource_group_name = var.resource_group_name
  location            = var.location
  subnet_id           = azurerm_subnet.this["endpoints"].id
  tags                = var.tags

  private_service_connection {
    name                           = each.key
    private_connection_resource_id = each.value.resource_id
    subresource_names              = [each.value.subresource]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name                 = "default"
    private_dns_zone_ids = [azurerm_private_dns_zone.this[each.value.subresource].id]
  }
}
