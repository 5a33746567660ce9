variable "prefix" {
  description = "Beginning of the namespace's name."
  type        = string
}

variable "suffix" {
  description = "End of the namespace's name, which makes it unique in Azure."
  type        = string
}

variable "resource_group_name" {
  description = "Resource group of the namespace."
  type        = string
}

variable "location" {
  description = "Region of the namespace."
  type        = string
}

variable "tags" {
  description = "Tags of the namespace."
  type        = map(string)
}

variable "sku" {
  description = "Basic, Standard or Premium."
  type        = string
}

variable "capacity" {
  description = "Throughput units (processing units in Premium) to begin with."
  type        = number
}

variable "maximum_throughput_units" {
  description = "How far auto-inflate goes; null for not at all."
  type        = number
}

variable "partitions" {
  description = "Partitions of the hub: readers of one group that can work side by side."
  type        = number
}

variable "retention_hours" {
  description = "How long an event stays in the hub."
  type        = number
}

variable "consumer_groups" {
  description = "Consumer groups beside $Default, one for each system that reads."
  type        = set(string)
}

variable "senders" {
  description = "Identities that publish: a name of one's choice => object id."
  type        = map(string)
}

variable "receivers" {
  description = "Identities that read: a name of one's choice => object id."
  type        = map(string)
}

variable "private_networking" {
  description = "Whether the namespace's public end point is closed."
  type        = bool
}
