variable "prefix" {
  description = "Beginning of the names."
  type        = string
}

variable "resource_group_name" {
  description = "Resource group of the alerts."
  type        = string
}

variable "resource_group_id" {
  description = "Resource id of the resource group that the budget is for."
  type        = string
}

variable "location" {
  description = "Region of the alert rules and the workbook."
  type        = string
}

variable "tags" {
  description = "Tags of the alerts."
  type        = map(string)
}

variable "workspace_id" {
  description = "Log Analytics workspace that the queries read."
  type        = string
}

variable "cosmos_account_id" {
  description = "Cosmos DB account whose throttling is watched."
  type        = string
}

variable "gateway_id" {
  description = "API Management whose errors are watched."
  type        = string
}

variable "enabled" {
  description = "Whether alerts fire."
  type        = bool
}

variable "emails" {
  description = "Who is told."
  type        = set(string)
}

variable "evaluation" {
  description = "How often the log queries run: PT5M or PT15M."
  type        = string
}

variable "lag_seconds" {
  description = "Lag of a consumer that is too much."
  type        = number
}

variable "throttled_percent" {
  description = "Share of throttled requests that is too much."
  type        = number
}

variable "throttled_requests" {
  description = "Throttled requests in five minutes that are too many."
  type        = number
  default     = 100
}

variable "stuck_transfer_minutes" {
  description = "Age of an open transfer that is too old."
  type        = number
}

variable "budget_amount" {
  description = "Monthly budget in the subscription's currency."
  type        = number
}

variable "budget_start_date" {
  description = "First day of the month that the budget begins with."
  type        = string
}
