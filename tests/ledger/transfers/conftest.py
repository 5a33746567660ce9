"""Fixtures for the ledger's processes."""

import pytest

from localazure.cosmos import LocalCosmos
from tests.ledger.transfers.bank import Bank


@pytest.fixture
def bank(cosmos: LocalCosmos) -> Bank:
    """Alice has 500, Bob has nothing."""
    bank = Bank(cosmos)
    bank.open("alice", 500)
    bank.open("bob")
    return bank
