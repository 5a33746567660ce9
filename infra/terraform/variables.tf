variable "name" {
  description = "What every resource's name begins with: 2 to 10 lower-case letters and digits."
  type        = string
  default     = "tidemark"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,9}$", var.name))
    error_message = "name must be 2 to 10 lower-case letters and digits, a letter first: storage account names allow no more."
  }
}

variable "environment" {
  description = "Which installation this is (dev, prod, ...): 2 to 6 lower-case letters and digits, part of every name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]{2,6}$", var.environment))
    error_message = "environment must be 2 to 6 lower-case letters and digits, e.g. dev or prod."
  }
}

variable "location" {
  description = "Azure region, e.g. westeurope; it must offer Flex Consumption (az functionapp list-flexconsumption-locations)."
  type        = string
  default     = "westeurope"
  nullable    = false
}

variable "tags" {
  description = "Tags of every resource, beside application, environment and managed-by."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "api_client_id" {
  description = "Client id of the API's app registration in Microsoft Entra ID: the audience of every token."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.api_client_id))
    error_message = "api_client_id must be a GUID in lower case: the application (client) id, not the object id."
  }
}

variable "operator_principal_ids" {
  description = "Object ids of Entra groups or users who rebuild views, read the audit trail and sign digests."
  type        = set(string)
  default     = []
  nullable    = false
}

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

variable "monitoring" {
  description = "Days that logs are kept (30 to 730) and the gigabytes that may come in each day (-1: no limit)."
  type = object({
    retention_in_days = optional(number, 30)
    daily_quota_gb    = optional(number, 1)
  })
  default  = {}
  nullable = false
}

variable "alerts" {
  description = <<-EOT
    Who is told, and when. evaluation: how often the log queries run (PT5M, PT15M; oftener costs more). The thresholds:
    seconds that a view or the relay may lag, share of throttled requests in percent, minutes that a transfer may take.
  EOT
  type = object({
    enabled                = optional(bool, true)
    emails                 = set(string)
    evaluation             = optional(string, "PT5M")
    lag_seconds            = optional(number, 60)
    throttled_percent      = optional(number, 1)
    stuck_transfer_minutes = optional(number, 10)
  })
  nullable = false

  validation {
    condition     = length(var.alerts.emails) > 0 && alltrue([for e in var.alerts.emails : can(regex("^[^@\\s]+@[^@\\s]+$", e))])
    error_message = "alerts.emails needs one address or more: an alert that nobody reads is none."
  }

  validation {
    condition     = contains(["PT5M", "PT15M"], var.alerts.evaluation)
    error_message = "alerts.evaluation must be PT5M or PT15M."
  }
}

variable "budget" {
  description = "Monthly budget of the resource group in the subscription's currency, and the first day of the month that it begins with (2026-01-01T00:00:00Z); mail goes out at 80 and 100 % and when 100 % is forecast."
  type = object({
    amount     = number
    start_date = string
  })
  nullable = false

  validation {
    condition     = can(regex("^20[0-9]{2}-(0[1-9]|1[0-2])-01T00:00:00Z$", var.budget.start_date))
    error_message = "budget.start_date must be the first day of a month: 2026-01-01T00:00:00Z."
  }
}

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
