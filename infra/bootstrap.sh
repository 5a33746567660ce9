#!/usr/bin/env bash
# What must exist before the first `terraform apply`, made once for each environment by someone who may own the
# subscription and register applications: resource providers, the API's app registration, the state's storage account,
# and the identity that GitHub deploys with. Every part may run again: what exists is kept.
#
#   infra/bootstrap.sh dev westeurope [owner/repository]
#
# It writes no secret anywhere, for there is none: GitHub proves itself with its OIDC token, callers with theirs.
set -euo pipefail

environment=${1:?usage: infra/bootstrap.sh ENVIRONMENT LOCATION [OWNER/REPOSITORY]}
location=${2:?usage: infra/bootstrap.sh ENVIRONMENT LOCATION [OWNER/REPOSITORY]}
repository=${3:-}

readonly AZURE_CLI=04b07795-8ddb-461a-bbee-02f9e1bf7b46 # its client id, the same in every tenant
readonly PROVIDERS=(Microsoft.ApiManagement Microsoft.App Microsoft.Consumption Microsoft.DocumentDB Microsoft.EventHub
    Microsoft.Insights Microsoft.KeyVault Microsoft.ManagedIdentity Microsoft.Network Microsoft.OperationalInsights
    Microsoft.Storage Microsoft.Web)
# The deployer may give these roles and no others, so that it cannot make itself owner.
readonly GRANTABLE=("Azure Event Hubs Data Receiver" "Azure Event Hubs Data Sender" "Key Vault Crypto Officer"
    "Key Vault Crypto Service Encryption User" "Key Vault Secrets Officer" "Monitoring Metrics Publisher"
    "Storage Blob Data Owner")

say() { printf '%-16s %s\n' "$1" "$2" >&2; }
quiet() { "$@" --output none; }

# role SCOPE PRINCIPAL PRINCIPAL_TYPE ROLE [CONDITION]
role() {
    quiet az role assignment create --scope "$1" --assignee-object-id "$2" --assignee-principal-type "$3" --role "$4" \
        ${5:+--condition "$5" --condition-version 2.0}
}

register_api() {
    local name="Tidemark $environment" object scope
    client=$(az ad app list --display-name "$name" --query '[0].appId' --output tsv)
    if [ -z "$client" ]; then
        client=$(az ad app create --display-name "$name" --sign-in-audience AzureADMyOrg --query appId --output tsv)
        object=$(az ad app show --id "$client" --query id --output tsv)
        scope=$(uuidgen)
        # Version 2 tokens: their audience is the client id, their issuer ends in /v2.0. The Azure CLI may ask for one.
        quiet az rest --method PATCH --uri "https://graph.microsoft.com/v1.0/applications/$object" --body "$(cat <<JSON
{ "identifierUris": ["api://$client"],
  "api": { "requestedAccessTokenVersion": 2,
           "oauth2PermissionScopes": [{ "id": "$scope", "value": "use", "type": "User", "isEnabled": true,
               "adminConsentDisplayName": "Use Tidemark", "adminConsentDescription": "Use Tidemark as oneself",
               "userConsentDisplayName": "Use Tidemark", "userConsentDescription": "Use Tidemark as yourself" }] },
  "appRoles": [$(app_role Command "Change the ledger"),
               $(app_role Query "Read accounts"),
               $(app_role Audit "Read the audit trail")] }
JSON
)"
        quiet az rest --method PATCH --uri "https://graph.microsoft.com/v1.0/applications/$object" --body \
            "{\"api\": {\"preAuthorizedApplications\": [{\"appId\": \"$AZURE_CLI\", \"delegatedPermissionIds\": [\"$scope\"]}]}}"
        quiet az ad sp create --id "$client"
    fi
    say "API" "$name, client id $client"
}

# app_role NAME DESCRIPTION
app_role() {
    printf '{ "id": "%s", "value": "Tidemark.%s", "displayName": "Tidemark.%s", "description": "%s", "isEnabled": true,
      "allowedMemberTypes": ["User", "Application"] }' "$(uuidgen)" "$1" "$1" "$2"
}

# The person who runs this gets every app role, for the first deposit. Others are given theirs in the portal.
become_user() {
    local service role_id
    service=$(az ad sp show --id "$client" --query id --output tsv)
    for role_id in $(az ad sp show --id "$client" --query 'appRoles[].id' --output tsv); do
        az rest --method POST --uri "https://graph.microsoft.com/v1.0/users/$me/appRoleAssignments" --output none --body \
            "{\"principalId\": \"$me\", \"resourceId\": \"$service\", \"appRoleId\": \"$role_id\"}" 2>/dev/null ||
            say "App role" "$role_id: assigned already, or you may not assign it"
    done
}

make_state() {
    state_group="tidemark-state-$environment"
    state_account="tidemarkstate$(printf '%s' "$subscription$environment" | sha256sum | cut -c1-8)"
    quiet az group create --name "$state_group" --location "$location"
    quiet az storage account create --name "$state_account" --resource-group "$state_group" --location "$location" \
        --sku Standard_ZRS --allow-shared-key-access false --allow-blob-public-access false --min-tls-version TLS1_2
    quiet az storage account blob-service-properties update --account-name "$state_account" \
        --resource-group "$state_group" --enable-versioning true --enable-delete-retention true \
        --delete-retention-days 30
    state_scope=$(az storage account show --name "$state_account" --resource-group "$state_group" --query id --output tsv)
    role "$state_scope" "$me" User "Storage Blob Data Contributor"
    quiet az storage container-rm create --storage-account "$state_account" --resource-group "$state_group" --name tfstate
    say "State" "$state_account/tfstate"
}

make_deployer() {
    local principal ids name condition
    quiet az identity create --name "tidemark-deployer-$environment" --resource-group "$state_group" --location "$location"
    principal=$(az identity show --name "tidemark-deployer-$environment" --resource-group "$state_group" \
        --query principalId --output tsv)
    deployer=$(az identity show --name "tidemark-deployer-$environment" --resource-group "$state_group" \
        --query clientId --output tsv)
    quiet az identity federated-credential create --name github --identity-name "tidemark-deployer-$environment" \
        --resource-group "$state_group" --issuer https://token.actions.githubusercontent.com \
        --subject "repo:$repository:environment:$environment" --audiences api://AzureADTokenExchange
    ids=""
    for name in "${GRANTABLE[@]}"; do
        ids+="${ids:+, }$(az role definition list --name "$name" --query '[0].name' --output tsv)"
    done
    condition="((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR \
(@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {$ids})) AND \
((!(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'})) OR \
(@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {$ids}))"
    role "/subscriptions/$subscription" "$principal" ServicePrincipal Contributor
    role "/subscriptions/$subscription" "$principal" ServicePrincipal "Locks Contributor"
    role "/subscriptions/$subscription" "$principal" ServicePrincipal "Role Based Access Control Administrator" "$condition"
    role "$state_scope" "$principal" ServicePrincipal "Storage Blob Data Contributor"
    say "Deployer" "client id $deployer, for environment $environment of $repository"
}

subscription=$(az account show --query id --output tsv)
tenant=$(az account show --query tenantId --output tsv)
me=$(az ad signed-in-user show --query id --output tsv)

for provider in "${PROVIDERS[@]}"; do
    quiet az provider register --namespace "$provider" --wait
done
say "Providers" "registered"
register_api
become_user
make_state
[ -z "$repository" ] || make_deployer

cat <<TEXT

Put into infra/terraform/envs/$environment.tfvars:

    api_client_id = "$client"

Initialise Terraform:

    cp infra/state.tf infra/terraform/
    terraform -chdir=infra/terraform init -backend-config=resource_group_name=$state_group \\
        -backend-config=storage_account_name=$state_account -backend-config=container_name=tfstate \\
        -backend-config=key=tidemark.tfstate
TEXT
[ -z "$repository" ] || cat <<TEXT

Variables (no secrets) of the environment $environment in GitHub:

    AZURE_CLIENT_ID       $deployer
    AZURE_TENANT_ID       $tenant
    AZURE_SUBSCRIPTION_ID $subscription
    STATE_RESOURCE_GROUP  $state_group
    STATE_STORAGE_ACCOUNT $state_account
TEXT
