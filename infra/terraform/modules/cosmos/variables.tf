variable "prefix" {
  description = "Beginning of the account's name."
  type        = string
}

variable "suffix" {
  description = "End of the account's name, which makes it unique in Azure."
  type        = string
}

variable "resource_group_name" {
  description = "Resource group of the account."
  type        = string
}

variable "location" {
  description = "Region that takes writes."
  type        = string
}

variable "tags" {
  description = "Tags of the account."
  type        = map(string)
}

variable "serverless" {
  description = "Whether request units are paid by use; else by autoscaled throughput."
  type        = bool
}

variable "zone_redundant" {
  description = "Whether each region spreads over availability zones."
  type        = bool
}

variable "failover_location" {
  description = "Second region, which takes over when the first fails; null for none."
  type        = string
}

variable "backup_tier" {
  description = "Continuous7Days or Continuous30Days: how far back a point in time may be restored."
  type        = string
}

variable "delete_lock" {
  description = "Whether a lock stops deletion of the account and its containers."
  type        = bool
}

variable "max_throughput" {
  description = "Autoscale ceiling of each container in request units per second; 1000 for those left out."
  type        = map(number)
}

variable "private_networking" {
  description = "Whether the account's public end point is closed."
  type        = bool
}

variable "log_analytics_workspace_id" {
  description = "Workspace that the account's diagnostics go to."
  type        = string
}

variable "principals" {
  description = "Object ids that hold each role of roles.json: role => a name of one's choice => object id."
  type        = map(map(string))
}
