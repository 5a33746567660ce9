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

variable "eraser_principal_ids" {
  description = "Object ids of Entra groups or users who may erase what is known of a person (tidemark audit forget)."
  type        = set(string)
  default     = []
  nullable    = false
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
