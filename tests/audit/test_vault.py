"""The digest key as a secret of a Key Vault: the request as the REST API has it, and what can go wrong."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from audit.digests.key_vault import is_secret, read_secret
from audit.errors import KeyUnusable


class Credential:
    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        assert scopes == ("https://vault.azure.net/.default",)
        return AccessToken("token-1", 0)


class SignedOut(Credential):
    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        raise ClientAuthenticationError("no identity here")


class Vault(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = self.path == "/secrets/digest?api-version=7.4" and self.headers["Authorization"] == "Bearer token-1"
        self.send_response(200 if found else 403)
        self.end_headers()
        self.wfile.write(json.dumps({"value": "PEM"} if found else {"error": {}}).encode())

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def vault() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Vault) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_secret_is_read_with_the_identity_of_whoever_is_signed_in(vault: str) -> None:
    assert read_secret(f"{vault}/secrets/digest", credential=Credential()) == "PEM"


def test_a_secret_that_one_may_not_read_is_one_clear_error(vault: str) -> None:
    with pytest.raises(KeyUnusable, match="403"):
        read_secret(f"{vault}/secrets/other", credential=Credential())
    with pytest.raises(KeyUnusable, match="az login"):
        read_secret(f"{vault}/secrets/digest", credential=SignedOut())


def test_only_addresses_are_secrets() -> None:
    assert is_secret("https://vault.vault.azure.net/secrets/digest")
    assert not is_secret("digest.pem")
