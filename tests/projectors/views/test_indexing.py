"""What the container of views indexes: all that queries look for, and little else, for every write pays for it."""

import re
from collections.abc import Iterator
from datetime import timedelta

import orjson
import pytest
from azure.cosmos import CosmosClient

from eventstore.cosmos.containers import containers
from localazure.cosmos import LocalCosmos, RequestInfo
from projectors.database import Database
from projectors.ledger import VIEWS
from projectors.ledger.transfers.open_transfers import OpenTransfers
from projectors.processor.worker import Worker
from projectors.views.dead_letters import all_dead_letters
from projectors.views.reader import ViewReader
from replay.repair import repair
from replay.verify import verify
from tests.projectors.feeding import NOON, Ledger, rows

INDEXED = frozenset(path["path"] for path in containers(VIEWS.indexed)[2].indexing["includedPaths"])
FILTERS = re.compile(r"\b(?:WHERE|ORDER BY)\b(.*)", re.DOTALL)
PATH = re.compile(r"\bc\.([a-z_]+(?:\.[a-z_]+)*)")
FEW = frozenset(("c.id >= @guards AND c.id < @late AND IS_DEFINED(c.late)",))
"""Within the guards of one partition, which are found by id."""


@pytest.fixture
def asked(cosmos: LocalCosmos) -> Iterator[set[str]]:
    """What queries of the views asked for, as the server got it."""
    texts: set[str] = set()

    def note(info: RequestInfo, phase: str) -> None:
        if phase == "before" and info.container == "views" and info.operation == "query":
            texts.add(orjson.loads(info.body)["query"])

    remove = cosmos.faults.on_request(note)
    yield texts
    remove()


def looked_for(text: str) -> set[str]:
    """The paths by which a query filters and sorts."""
    found = FILTERS.search(text)
    return {f"/{path.replace('.', '/')}/?" for path in PATH.findall(found[1])} if found else set()


def test_every_query_of_views_is_served_by_the_index(
    client: CosmosClient, database: str, ledger: Ledger, worker: Worker, asked: set[str]
) -> None:
    ledger.open("alice")
    ledger.deposit("alice", 10)
    ledger.act("alice", lambda account: account.place_hold(1, reference="a room", at=ledger.now()))
    worker.run_until_idle(30)
    ledger.act("alice", lambda account: account.release_hold(1, at=ledger.now()))
    worker.run_until_idle(30)
    stores, reader = Database.open(client, database), ViewReader(client, database, VIEWS)
    reader.page("statement", "account-alice", where={"effective_date": ("2026-01-01", "2026-12-31")})
    reader.page("statement", "account-alice", where={"version": (2, 2)}, descending=True)
    reader.page("active-holds", "account-alice", where={"hold": (1, 1)})
    reader.due("active-holds", "expires_at", NOON.isoformat())
    reader.partial("active-holds")
    reader.sums("ledger-totals", "EUR-2:2026-01-01", "EUR-2:2026-12-31")
    OpenTransfers(Database.open(client, database)).requested_until(NOON + timedelta(days=1))
    for view in VIEWS:
        all_dead_letters(stores.views, view, 1)
        verify(stores, VIEWS[view], settle=0)
    for view in ("account-summary", "statement"):
        repair(stores, VIEWS[view], "account-alice")
    stores.registry.all()
    found = {text for text in asked if not any(few in text for few in FEW)}
    assert len(found) >= 9
    assert {path for text in found for path in looked_for(text)} - INDEXED == set()


def test_a_field_that_is_not_indexed_is_refused_with_what_to_do(reader: ViewReader) -> None:
    with pytest.raises(ValueError, match=r"add \"data.reference\" to `indexed` of the view statement"):
        reader.page("statement", "account-alice", where={"reference": ("a", "b")})


@pytest.fixture
def reader(client: CosmosClient, database: str) -> ViewReader:
    return ViewReader(client, database, VIEWS)


def test_a_line_of_a_statement_pays_for_five_indexed_values(
    client: CosmosClient, database: str, ledger: Ledger, worker: Worker, cosmos: LocalCosmos
) -> None:
    """5.5 request units for the item and 0.2 for each value, by the local server's model."""
    ledger.open("alice")
    ledger.deposit("alice", 10, reference="invoice 4711")
    worker.run_until_idle(30)
    (line,) = (row for row in rows(client, database, "statement") if "data" in row)
    copy = {name: value for name, value in line.items() if not name.startswith("_")} | {"id": "copy"}
    cosmos.log.clear()
    client.get_database_client(database).get_container_client("views").create_item(copy)
    (entry,) = (entry for entry in cosmos.log if entry.operation == "create")
    assert entry.charge == pytest.approx(6.5)
