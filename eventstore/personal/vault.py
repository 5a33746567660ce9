"""A master key in Azure Key Vault: https://learn.microsoft.com/rest/api/keyvault/keys/wrap-key/wrap-key."""

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, Final

import requests
from azure.core.credentials import TokenCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import DefaultAzureCredential

from eventstore.errors import KeysUnavailable, MasterKeyUnusable
from eventstore.personal.wrapper import Wrapped

_SCOPE: Final = "https://vault.azure.net/.default"
_VERSION: Final = "7.4"
_ALGORITHM: Final = "RSA-OAEP-256"
_SECONDS: Final = 10
_ATTEMPTS: Final = 3
_FIRST_PAUSE: Final = 0.2
_AGAIN: Final = frozenset({408, 429, 500, 502, 503, 504})


class VaultKey:
    """The RSA key at `address`, in its newest version unless the address names one. The key never leaves the vault.

    What was wrapped says by which version, so that the key may be rotated; old versions have to stay enabled.
    """

    def __init__(
        self, address: str, *, credential: TokenCredential | None = None, session: requests.Session | None = None
    ) -> None:
        self._address = address.rstrip("/")
        self._vault = self._address.partition("/keys/")[0]
        self._credential = credential
        self._session = session or requests.Session()

    def wrap(self, key: bytes) -> Wrapped:
        answer = self._ask(f"{self._address}/wrapkey", key)
        return Wrapped(str(answer["value"]), str(answer["kid"]))

    def unwrap(self, wrapped: Wrapped) -> bytes:
        if not wrapped.by.startswith(f"{self._vault}/keys/"):
            raise MasterKeyUnusable(f"a data key was wrapped by {wrapped.by}, not by a key of {self._vault}")
        return _bytes(str(self._ask(f"{wrapped.by}/unwrapkey", _bytes(wrapped.text))["value"]))

    def _ask(self, address: str, value: bytes) -> dict[str, Any]:
        body = {"alg": _ALGORITHM, "value": urlsafe_b64encode(value).rstrip(b"=").decode()}
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(_FIRST_PAUSE * 2**attempt)
            try:
                answer = self._session.post(
                    address,
                    params={"api-version": _VERSION},
                    json=body,
                    headers={"Authorization": f"Bearer {self._token()}"},
                    timeout=_SECONDS,
                )
            except requests.RequestException:
                continue
            if answer.status_code not in _AGAIN:
                return _content(address, answer)
        raise KeysUnavailable(f"{self._vault} does not answer")

    def _token(self) -> str:
        self._credential = self._credential or DefaultAzureCredential()
        try:
            return self._credential.get_token(_SCOPE).token
        except ClientAuthenticationError as error:
            raise MasterKeyUnusable(f"{self._vault}: sign in first: {str(error).splitlines()[0]}") from None


def _content(address: str, answer: requests.Response) -> dict[str, Any]:
    if not answer.ok:
        raise MasterKeyUnusable(f"{address}: {answer.status_code} {answer.reason}: may this identity wrap and unwrap?")
    content: dict[str, Any] = answer.json()
    return content


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
