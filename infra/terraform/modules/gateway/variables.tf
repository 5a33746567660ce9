variable "prefix" {
  description = "Beginning of the gateway's name."
  type        = string
}

variable "suffix" {
  description = "End of the gateway's name, which makes it unique in Azure."
  type        = string
}

variable "resource_group_name" {
  description = "Resource group of the gateway."
  type        = string
}

variable "location" {
  description = "Region of the gateway."
  type        = string
}

variable "tags" {
  description = "Tags of the gateway."
  type        = map(string)
}

variable "sku_name" {
  description = "Tier and units, e.g. Consumption_0 or StandardV2_1."
  type        = string
}

variable "publisher_name" {
  description = "Who publishes the API."
  type        = string
}

variable "publisher_email" {
  description = "Where API Management writes to."
  type        = string
}

variable "rate_limit_calls" {
  description = "Calls allowed in each period."
  type        = number
}

variable "rate_limit_period_seconds" {
  description = "Length of the period."
  type        = number
}

variable "token_authority" {
  description = "Issuer of the tokens: https://login.microsoftonline.com/<tenant>/v2.0."
  type        = string
}

variable "api_client_id" {
  description = "Audience of the tokens: client id of the API's app registration."
  type        = string
}

variable "backends" {
  description = "The apps commands and queries: resource id and host name."
  type = map(object({
    id       = string
    hostname = string
  }))

  validation {
    condition     = length(setsubtract(["commands", "queries"], keys(var.backends))) == 0
    error_message = "backends must name commands and queries: policies/api.xml chooses between them."
  }
}

variable "openapi_directory" {
  description = "Folder of commands.json and queries.json."
  type        = string
}

variable "policy_directory" {
  description = "Folder of the policy XML."
  type        = string
}

variable "subnet_id" {
  description = "Subnet that the gateway's calls to the apps leave from; null for none."
  type        = string
}

variable "log_analytics_workspace_id" {
  description = "Workspace that the gateway's logs go to."
  type        = string
}
