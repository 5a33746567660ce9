# The environment of each app. A test holds every name here against what the code reads.

locals {
  common_settings = {
    for role, identity in local.identities : role => {
      AZURE_CLIENT_ID                           = identity.client_id
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING = "Authorization=AAD;ClientId=${identity.client_id}"
      COSMOS_ENDPOINT                           = module.cosmos.endpoint
      COSMOS_DATABASE                           = module.cosmos.database
      TIDEMARK_ROLE                             = role
      TIDEMARK_MASTER_KEY_ID                    = module.vault.subjects_key_id
      TIDEMARK_AUTH                             = "entra"
      TIDEMARK_AUTH_ISSUER                      = local.token_authority
      TIDEMARK_AUTH_AUDIENCE                    = var.api_client_id
      TIDEMARK_AUTH_JWKS_URL                    = "https://login.microsoftonline.com/${data.azurerm_client_config.current.tenant_id}/discovery/v2.0/keys"
    }
  }

  # The trigger wakes the processor; it reads the feed and keeps its own leases with the app's identity.
  trigger_settings = {
    COSMOS_TRIGGER__accountEndpoint = module.cosmos.endpoint
    COSMOS_TRIGGER__credential      = "managedidentity"
    COSMOS_TRIGGER__clientId        = local.identities["projectors"].client_id
  }

  relay_settings = merge([
    for hubs in module.event_hubs[*] : {
      EVENTHUBS_FULLY_QUALIFIED_NAMESPACE = hubs.fully_qualified_namespace
      EVENTHUBS_HUB                       = hubs.hub
    }
  ]...)

  app_settings = {
    for role, settings in local.common_settings : role => merge(
      settings,
      role == "projectors" ? local.trigger_settings : {},
      role == "projectors" ? local.relay_settings : {},
    )
  }
}
