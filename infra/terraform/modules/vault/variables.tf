variable "name" {
  description = "Name of the vault, at most 24 characters, unique in Azure."
  type        = string
}

variable "resource_group_name" {
  description = "Resource group of the vault."
  type        = string
}

variable "location" {
  description = "Region of the vault."
  type        = string
}

variable "tenant_id" {
  description = "Entra tenant whose tokens the vault accepts."
  type        = string
}

variable "tags" {
  description = "Tags of the vault."
  type        = map(string)
}

variable "deployer_object_id" {
  description = "Object id of whoever runs Terraform: may create keys, not use them."
  type        = string
}

variable "wrappers" {
  description = "Identities that wrap and unwrap data keys: a name of one's choice => object id."
  type        = map(string)
}

variable "operators" {
  description = "People who keep the digest key: a name of one's choice => object id."
  type        = map(string)
}

variable "private_networking" {
  description = "Whether the vault's firewall denies by default."
  type        = bool
}

variable "deployment_ip_ranges" {
  description = "CIDR ranges that the firewall lets in all the same."
  type        = set(string)
}

variable "log_analytics_workspace_id" {
  description = "Workspace that the vault's audit log goes to."
  type        = string
}
