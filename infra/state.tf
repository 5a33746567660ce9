# Copied beside the root module before `terraform init`: local checks need no state, an installation keeps it in Azure.
terraform {
  backend "azurerm" {
    use_azuread_auth = true
  }
}
