"""A small bank for the tests of transfers."""

import pytest

from tests.ledger.domain.bank import change, open_account, request
from tests.ledger.domain.ledger import Ledger
from tests.ledger.domain.scenario import NOON


@pytest.fixture
def ledger() -> Ledger:
    """alice with 5.00, bob with nothing; a transfer t1 of all of it from alice to bob is requested."""
    ledger = Ledger()
    for name in ("alice", "bob"):
        open_account(ledger, name)
    change(ledger, "alice", lambda account: account.deposit(500, at=NOON))
    request(ledger, "t1")
    return ledger
