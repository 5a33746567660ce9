variable "prefix" {
  description = "Beginning of the names."
  type        = string
}

variable "resource_group_name" {
  description = "Resource group of the workspace."
  type        = string
}

variable "location" {
  description = "Region of the workspace."
  type        = string
}

variable "tags" {
  description = "Tags of workspace and Application Insights."
  type        = map(string)
}

variable "retention_in_days" {
  description = "Days that logs are kept, 30 to 730."
  type        = number
}

variable "daily_quota_gb" {
  description = "Gigabytes that may come in each day; -1 for no limit."
  type        = number
}

variable "publishers" {
  description = "Identities that send telemetry: a name of one's choice => object id."
  type        = map(string)
}
