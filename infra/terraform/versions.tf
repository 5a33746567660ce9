terraform {
  required_version = ">= 1.11"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 4.73"
    }
  }
}

provider "azurerm" {
  # Storage accounts here accept no shared keys, so the provider must use its own identity for them.
  storage_use_azuread = true

  features {
    key_vault {
      # Keys of the audit trail are never purged by a destroy: without them digests cannot be signed again, nor
      # personal data read.
      purge_soft_delete_on_destroy          = false
      purge_soft_deleted_keys_on_destroy    = false
      recover_soft_deleted_key_vaults       = true
      recover_soft_deleted_keys             = true
      purge_soft_deleted_secrets_on_destroy = false
    }
    storage {
      # Nothing here is done in a storage account's data plane, which private networking closes to Terraform.
      data_plane_available = false
    }
    resource_group {
      prevent_deletion_if_contains_resources = true
    }
  }
}
