variable "private_networking" {
  description = "Whether Cosmos DB, Event Hubs, Key Vault, storage and the apps are reached through private endpoints only."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.private_networking || can(regex("^(StandardV2|PremiumV2)_", var.gateway.sku_name))
    error_message = "private_networking needs a gateway that can join a network and reach the apps: StandardV2 or PremiumV2."
  }

  validation {
    condition     = !var.private_networking || var.event_hubs == null ? true : var.event_hubs.sku != "Basic"
    error_message = "private_networking needs Event Hubs Standard or Premium: Basic has no private endpoints."
  }
}

variable "address_space" {
  description = "Address range of the virtual network, a /20 or larger; used with private_networking only."
  type        = string
  default     = "10.60.0.0/20"
  nullable    = false

  validation {
    condition     = can(cidrsubnet(var.address_space, 4, 3))
    error_message = "address_space must be a CIDR range with room for subnets, e.g. 10.60.0.0/20."
  }
}

variable "deployment_ip_ranges" {
  description = "CIDR ranges that may still reach the vault and the apps' deployment end points with private_networking: those of the deploying runner."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for range in var.deployment_ip_ranges : can(cidrhost(range, 0))])
    error_message = "deployment_ip_ranges must be CIDR ranges, e.g. 203.0.113.7/32."
  }
}
