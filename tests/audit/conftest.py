"""Fixtures for audits."""

from pathlib import Path

import pytest
from azure.cosmos import CosmosClient
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from replay.audit.archive import Archive, KeptDigest
from replay.audit.sealing import seal
from tests.audit.bank import Bank


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
