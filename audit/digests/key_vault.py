"""Reading one secret of Azure Key Vault: https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret."""

import requests
from azure.core.credentials import TokenCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import DefaultAzureCredential

from audit.errors import KeyUnusable

_SCOPE = "https://vault.azure.net/.default"
_VERSION = "7.4"
_SECONDS = 10


def is_secret(reference: str) -> bool:
    """Whether the reference is an address and not a file."""
    return reference.startswith("https://")


def read_secret(
    address: str, *, credential: TokenCredential | None = None, session: requests.Session | None = None
) -> str:
    """The value of a secret, its newest version unless the address names one.

    Raises:
        KeyUnusable: no identity is signed in, or the vault does not give it the secret.
    """
    try:
        token = (credential or DefaultAzureCredential()).get_token(_SCOPE).token
        answer = (session or requests.Session()).get(
            address, params={"api-version": _VERSION}, headers={"Authorization": f"Bearer {token}"}, timeout=_SECONDS
        )
        answer.raise_for_status()
        value = answer.json()["value"]
    except ClientAuthenticationError as error:
        raise KeyUnusable(f"{address}: sign in first, `az login`: {str(error).splitlines()[0]}") from None
    except (requests.RequestException, KeyError, ValueError, TypeError) as error:
        raise KeyUnusable(f"{address} cannot be read: {error}") from None
    return str(value)
