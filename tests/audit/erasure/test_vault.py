"""A master key in Key Vault, against a vault on this machine that does what its documentation says."""

import json
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from eventstore.errors import KeysUnavailable, MasterKeyUnusable
from eventstore.personal import KeyWrapper, PersonalSettings, VaultKey, Wrapped

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
KEY = b"k" * 32


class Credential:
    """Whoever asks is let in."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        assert scopes == ("https://vault.azure.net/.default",)
        return AccessToken("token", 2**31)


class Nobody:
    def get_token(self, *_: str, **__: Any) -> AccessToken:
        raise ClientAuthenticationError("no identity")


class Vault(ThreadingHTTPServer):
    """Two versions of one RSA key; answers with each of `statuses` once before it does its work."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.versions = {"v1": rsa.generate_private_key(65537, 2048)}
        self.statuses: list[int] = []


class Handler(BaseHTTPRequestHandler):
    server: Vault

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path, _, query = self.path.partition("?")
        assert (query, self.headers["Authorization"]) == ("api-version=7.4", "Bearer token")
        assert body["alg"] == "RSA-OAEP-256"
        if self.server.statuses:
            self._answer(self.server.statuses.pop(), {"error": {"code": "no"}})
            return
        *name, operation = path.split("/")[2:]
        version = name[1] if len(name) > 1 else max(self.server.versions)
        key = self.server.versions[version]
        value = urlsafe_b64decode(body["value"] + "==")
        done = key.public_key().encrypt(value, OAEP) if operation == "wrapkey" else key.decrypt(value, OAEP)
        text = urlsafe_b64encode(done).rstrip(b"=").decode()
        self._answer(200, {"kid": f"{self.server.address}/keys/{name[0]}/{version}", "value": text})

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def vault() -> Iterator[Vault]:
    with Vault() as vault:
        thread = threading.Thread(target=vault.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield vault
        vault.shutdown()
        thread.join()


@pytest.fixture
def key(vault: Vault) -> KeyWrapper:
    return VaultKey(f"{vault.address}/keys/subjects", credential=Credential())


def test_the_vault_wraps_and_unwraps(vault: Vault, key: KeyWrapper) -> None:
    wrapped = key.wrap(KEY)
    assert wrapped.by == f"{vault.address}/keys/subjects/v1"
    assert key.unwrap(wrapped) == KEY


def test_what_an_older_version_wrapped_is_unwrapped_by_it(vault: Vault, key: KeyWrapper) -> None:
    before = key.wrap(KEY)
    vault.versions["v2"] = rsa.generate_private_key(65537, 2048)
    after = key.wrap(KEY)
    assert after.by.endswith("/v2")
    assert key.unwrap(before) == key.unwrap(after) == KEY


def test_a_busy_vault_is_asked_again(vault: Vault, key: KeyWrapper) -> None:
    vault.statuses = [429]
    assert key.unwrap(key.wrap(KEY)) == KEY


def test_a_vault_that_does_not_answer_is_a_reason_to_come_back(vault: Vault, key: KeyWrapper) -> None:
    vault.statuses = [503] * 3
    with pytest.raises(KeysUnavailable, match="repeat the request later"):
        key.wrap(KEY)


def test_a_vault_that_forbids_it_says_what_to_look_at(vault: Vault, key: KeyWrapper) -> None:
    vault.statuses = [403]
    with pytest.raises(MasterKeyUnusable, match="may this identity wrap and unwrap"):
        key.wrap(KEY)


def test_a_key_of_another_vault_is_not_asked_for(key: KeyWrapper) -> None:
    with pytest.raises(MasterKeyUnusable, match=r"wrapped by https://other\.example/keys/k/1, not by a key of"):
        key.unwrap(Wrapped("AAAA", "https://other.example/keys/k/1"))


def test_without_an_identity_the_message_says_to_sign_in(vault: Vault) -> None:
    with pytest.raises(MasterKeyUnusable, match="sign in first: no identity"):
        VaultKey(f"{vault.address}/keys/subjects", credential=Nobody()).wrap(KEY)


def test_a_setting_that_is_an_address_names_a_key_of_a_vault() -> None:
    assert isinstance(PersonalSettings(master_key_id="https://v.vault.azure.net/keys/subjects").master_key(), VaultKey)
