"""Fixtures for audits."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from azure.cosmos import CosmosClient
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.digests.archive import Archive, KeptDigest
from audit.sealing import seal
from eventstore.environment import load
from functions.composition import build_services
from functions.http.dependencies import Dependencies
from functions.settings import Settings
from service import SERVICE
from tests.audit.bank import Bank
from tests.audit.serving import audit_app
from tests.support.asgi import AsgiThread


@pytest.fixture
def bank(client: CosmosClient, database: str) -> Bank:
    """alice and bob with some history: deposits, a hold, a transfer, a refusal."""
    bank = Bank(client, database)
    bank.open("alice", 1_000)
    bank.open("bob")
    bank.transfer("t1", 300)
    bank.act("alice", lambda account: account.withdraw(5_000, at=bank.clock.now), actor="user:hasty")
    bank.act("alice", lambda account: account.withdraw(200, reference="rent", at=bank.clock.now))
    return bank


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "digests")


@pytest.fixture
def sealed(bank: Bank, archive: Archive, key: Ed25519PrivateKey) -> KeptDigest:
    """A digest of the bank as it is."""
    return seal(bank.log, archive, key, database="tidemark", made_at="2026-03-01T13:00:00+00:00")


@pytest.fixture
def services(client: CosmosClient, database: str) -> Dependencies:
    return build_services(SERVICE, load(Settings, auth="none"), client, database)


@pytest.fixture
def api(services: Dependencies, client: CosmosClient, database: str, bank: Bank) -> Iterator[httpx.Client]:
    app = audit_app(services, client, database)
    with httpx.Client(transport=AsgiThread(app), base_url="http://localhost") as http:
        yield http
