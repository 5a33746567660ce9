"""The views, from the log to what a query reads."""

from projectors.ledger import VIEWS
from projectors.views.reader import ViewReader


def test_a_summary_follows_every_event_of_its_account(client, database, ledger, worker) -> None:
    ledger.open("alice")
    ledger.deposit("alice", 500)
    ledger.withdraw("alice", 120)
    visit = worker.run_until_idle(10)
    assert (visit.idle, visit.failures) == (True, {})
    found = ViewReader(client, database, VIEWS).get("account-summary", "account-alice")
    assert found.data is not None
    assert (found.data["balance"], found.data["available"], found.data["status"]) == (380, 380, "open")
    assert (found.freshness.version, found.freshness.generation, found.freshness.parked) == (3, 1, None)
