variable "cosmos" {
  description = <<-EOT
    The Cosmos DB account. serverless: no throughput to plan, one region, no zones. Otherwise max_throughput is the
    autoscale ceiling of each container in request units per second (1000 or more, in thousands; a tenth is always
    paid). failover_location: a second region that takes over. delete_lock: nobody can delete the account or a container.
  EOT
  type = object({
    serverless        = bool
    zone_redundant    = optional(bool, false)
    failover_location = optional(string)
    backup_tier       = optional(string, "Continuous7Days")
    delete_lock       = optional(bool, true)
    max_throughput    = optional(map(number), {})
  })
  nullable = false

  validation {
    condition     = contains(["Continuous7Days", "Continuous30Days"], var.cosmos.backup_tier)
    error_message = "cosmos.backup_tier must be Continuous7Days or Continuous30Days."
  }

  validation {
    condition = !var.cosmos.serverless || (
      !var.cosmos.zone_redundant && var.cosmos.failover_location == null && length(var.cosmos.max_throughput) == 0
    )
    error_message = "A serverless account has one region, no zones and no throughput: leave zone_redundant, failover_location and max_throughput out."
  }

  validation {
    condition     = alltrue([for ru in values(var.cosmos.max_throughput) : ru >= 1000 && ru % 1000 == 0])
    error_message = "cosmos.max_throughput: each ceiling must be a multiple of 1000 request units per second."
  }
}

variable "event_hubs" {
  description = <<-EOT
    The hub that other systems read; null for none (nothing is relayed then). Basic has neither consumer groups of one's
    own nor private networking, and keeps events for a day. consumer_groups: one for each system that reads.
  EOT
  type = object({
    sku                      = string
    capacity                 = optional(number, 1)
    maximum_throughput_units = optional(number)
    partitions               = optional(number, 4)
    retention_hours          = optional(number, 24)
    consumer_groups          = optional(set(string), [])
  })
  default = null

  validation {
    condition     = var.event_hubs == null ? true : contains(["Basic", "Standard", "Premium"], var.event_hubs.sku)
    error_message = "event_hubs.sku must be Basic, Standard or Premium."
  }

  validation {
    condition = var.event_hubs == null ? true : var.event_hubs.sku != "Basic" || (
      length(var.event_hubs.consumer_groups) == 0 && var.event_hubs.retention_hours <= 24 &&
      var.event_hubs.maximum_throughput_units == null
    )
    error_message = "Event Hubs Basic has no consumer groups of one's own, no auto-inflate, and keeps events for 24 hours at most."
  }

  validation {
    condition     = var.event_hubs == null ? true : var.event_hubs.partitions >= 1 && var.event_hubs.partitions <= 32
    error_message = "event_hubs.partitions must be 1 to 32; it cannot be lowered later."
  }
}

variable "function_apps" {
  description = "Size of each app: memory of an instance in MB, instances at most, HTTP requests at once per instance, instances that are always warm (HTTP apps), zones."
  type = map(object({
    instance_memory_in_mb  = optional(number, 512)
    maximum_instance_count = optional(number, 40)
    http_concurrency       = optional(number)
    always_ready_http      = optional(number, 0)
    zone_redundant         = optional(bool, false)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for role in keys(var.function_apps) : contains(["commands", "queries", "projectors"], role)])
    error_message = "function_apps may size commands, queries and projectors, no other app."
  }

  validation {
    condition     = alltrue([for app in values(var.function_apps) : contains([512, 2048, 4096], app.instance_memory_in_mb)])
    error_message = "function_apps: instance_memory_in_mb must be 512, 2048 or 4096."
  }
}

variable "gateway" {
  description = <<-EOT
    API Management. Consumption_0 costs nothing when idle and counts its rate limit over all callers together; other
    tiers count for each caller alone. Private networking needs StandardV2_1 or larger.
  EOT
  type = object({
    sku_name                  = string
    publisher_name            = string
    publisher_email           = string
    rate_limit_calls          = optional(number, 300)
    rate_limit_period_seconds = optional(number, 60)
  })
  nullable = false

  validation {
    condition     = can(regex("^(Consumption_0|(Developer|Basic|Standard|Premium|BasicV2|StandardV2|PremiumV2)_[1-9][0-9]?)$", var.gateway.sku_name))
    error_message = "gateway.sku_name must be Consumption_0 or <tier>_<units>, e.g. StandardV2_1."
  }

  validation {
    condition     = var.gateway.rate_limit_calls >= 1 && var.gateway.rate_limit_period_seconds >= 1 && var.gateway.rate_limit_period_seconds <= 300
    error_message = "gateway: rate_limit_calls must be 1 or more, rate_limit_period_seconds 1 to 300."
  }
}
