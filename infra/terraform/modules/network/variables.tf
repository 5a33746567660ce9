variable "prefix" {
  description = "Beginning of the names."
  type        = string
}

variable "resource_group_name" {
  description = "Resource group of the network."
  type        = string
}

variable "location" {
  description = "Region of the network."
  type        = string
}

variable "tags" {
  description = "Tags of everything in the network."
  type        = map(string)
}

variable "address_space" {
  description = "Address range of the network, a /20 or larger."
  type        = string
}

variable "targets" {
  description = "What gets a private endpoint: a name => its resource id and subresource (Sql, namespace, vault, blob, sites)."
  type = map(object({
    resource_id = string
    subresource = string
  }))

  validation {
    condition     = alltrue([for t in values(var.targets) : contains(["Sql", "namespace", "vault", "blob", "sites"], t.subresource)])
    error_message = "targets: subresource must be Sql, namespace, vault, blob or sites; others have no private zone here."
  }
}
