"""GET and HEAD on every route of the queries app: they never write, and HEAD is GET without a body."""

import httpx
import pytest

from localazure.cosmos import LocalCosmos
from projectors.processor.worker import Worker
from tests.functions.conftest import Ledger

NAMES = {
    "account_id": "alice",
    "transfer_id": "t-1",
    "hold_id": "1",
    "version": "2",
    "owner": "subject-1",
    "stream": "account-alice",
}
NEEDED = {
    "/totals": "?asset=EUR/2",
    "/audit/data/trace": "?correlation=story",
    "/audit/data/streams/{stream}/state": "?version=2",
    "/audit/data/streams/{stream}/difference": "?before=1&after=2",
}
UNLISTED = [
    "/openapi.json",
    "/docs",
    "/audit",
    "/audit/streams/account-alice",
    "/audit/streams/account-alice/state?version=2",
    "/audit/trace?correlation=story",
    "/audit/health",
    "/audit/data/streams/account-alice/export",
    "/audit/assets/audit.js",
]
LENGTH = {"content-length"}  # of what is streamed only the client of this test knows it
READING = {"read", "query", "queryplan", "changefeed", "list", "pkranges", "account", "container.read"}


@pytest.fixture
def addresses(api: httpx.Client, ledger: Ledger, worker: Worker) -> list[str]:
    """One address of every route, all of which have something to show; some strong, some that wait."""
    ledger.open("alice", balance=1_000, owner="subject-1", name="Alice")
    ledger.open("bob")
    story = {"X-Correlation-ID": "story"}
    ledger.post("/accounts/alice/holds", {"amount": 5, "reference": "a room"}, **story)
    transfer = {"transfer_id": "t-1", "source": "alice", "target": "bob", "amount": 5, "asset": "EUR/2"}
    ledger.post("/transfers", transfer, **story)
    worker.run_until_idle(20)
    paths = api.get("/openapi.json").json()["paths"]
    listed = [path.format(**NAMES) + NEEDED.get(path, "") for path, methods in paths.items() if "get" in methods]
    strong = [f"/accounts/alice{rest}?consistency=strong" for rest in ("", "/statement", "/holds")]
    return [*listed, *strong, *UNLISTED]


def test_get_and_head_never_write_and_head_has_the_headers_of_get(
    api: httpx.Client, addresses: list[str], cosmos: LocalCosmos
) -> None:
    cosmos.log.clear()
    for address in addresses:
        found, headers = api.get(address), api.head(address)
        assert (found.status_code, address) == (200, address), found.text
        assert (headers.status_code, headers.content) == (200, b"")
        assert set(headers.headers) - LENGTH == set(found.headers) - LENGTH, address
    assert {"read", "query"} <= {entry.operation for entry in cosmos.log} <= READING
