variable "prefix" {
  description = "Beginning of the app's name."
  type        = string
}

variable "suffix" {
  description = "End of the app's name, which makes it unique in Azure."
  type        = string
}

variable "role" {
  description = "What the app does: commands, queries or projectors."
  type        = string
}

variable "storage_account_name" {
  description = "Name of the app's own storage account."
  type        = string
}

variable "resource_group_name" {
  description = "Resource group of the app."
  type        = string
}

variable "location" {
  description = "Region of the app."
  type        = string
}

variable "tags" {
  description = "Tags of the app and what belongs to it."
  type        = map(string)
}

variable "identity" {
  description = "The user-assigned identity that the app runs as."
  type = object({
    id           = string
    client_id    = string
    principal_id = string
  })
}

variable "size" {
  description = "Memory, instances, concurrency and zones, as in the root's function_apps."
  type = object({
    instance_memory_in_mb  = number
    maximum_instance_count = number
    http_concurrency       = number
    always_ready_http      = number
    zone_redundant         = bool
  })
}

variable "python_version" {
  description = "Python of the app, e.g. 3.13."
  type        = string
}

variable "app_settings" {
  description = "Environment variables of the app, without the host's storage."
  type        = map(string)
}

variable "application_insights_connection_string" {
  description = "Where the host's telemetry goes."
  type        = string
}

variable "private_networking" {
  description = "Whether app and storage are reached through private endpoints only."
  type        = bool
}

variable "subnet_id" {
  description = "Subnet that the app's outgoing traffic leaves from; null for none."
  type        = string
}

variable "deployment_ip_ranges" {
  description = "CIDR ranges that may deploy although the networking is private."
  type        = set(string)
}
