"""What the store or the encoder will always refuse of a view: its stream waits, everything else goes on."""

import enum
import logging
import math
import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from azure.cosmos import ContainerProxy, CosmosClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from domain.ledger.account import Account
from eventstore.cosmos.containers import create_containers
from localazure.cosmos import LocalCosmos, RequestInfo
from projectors.database import Database
from projectors.errors import PoisonEvent, Rejected
from projectors.generations.generation import stored_name
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from projectors.views.consumer import ViewConsumer
from projectors.views.dead_letters import DeadLetter, all_dead_letters, dead_letters_of
from projectors.views.streams.view import Change, StreamView
from projectors.views.view import on
from tests.projectors.feeding import Ledger, rows

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ONE_BY_ONE = WorkerSettings(parallel=0, page=1, pending=1, flush=0, refresh=0.05, idle_max=0.05, retry_min=0.01)
TOGETHER = WorkerSettings(parallel=0, refresh=0.05, idle_max=0.05, retry_min=0.01)


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def _raise(error: Exception) -> None:
    raise error


def _circular() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


REFUSED: dict[str, tuple[Callable[[Change], object], str]] = {
    "a time in the state": (lambda change: change.state.update(at=NOON), "Rejected: state.at: "),
    "a time in an item": (lambda change: change.create("odd", {"of": [1, NOON]}), "Rejected: data.of.1: "),
    "a set": (lambda change: change.state.update(tags={"x"}), "Rejected: state.tags: "),
    "a decimal": (lambda change: change.state.update(rate=Decimal(1)), "Rejected: state.rate: "),
    "a UUID": (lambda change: change.state.update(id=uuid.UUID(int=7)), "Rejected: state.id: "),
    "an enumeration": (lambda change: change.state.update(kind=enum.Enum("Kind", "A").A), "Rejected: state.kind: "),  # type: ignore[attr-defined]
    "no number": (lambda change: change.state.update(mean=math.nan), "Rejected: state.mean: "),
    "infinity": (lambda change: change.create("odd", {"most": math.inf}), "Rejected: data.most: "),
    "an integer that is rounded": (lambda change: change.state.update(total=2**53), "Rejected: state.total: "),
    "a key that is no text": (lambda change: change.state.update({7: "seven"}), "Rejected: state: "),
    "half a character": (lambda change: change.state.update(name="\udcff"), "Rejected: state.name: "),
    "a circle": (lambda change: change.state.update(circle=_circular()), "Rejected: state.circle"),
    "an item that is there": (lambda change: change.create("alice-2", {}), "Rejected: the view creates the item"),
    "an item that is not there": (lambda change: change.replace("no", {}), "Rejected: the view replaces the item 'no'"),
    "nothing to delete": (lambda change: change.delete("no"), "Rejected: the view deletes the item 'no'"),
    "a slash in a key": (lambda change: change.create("a/b", {}), "NameInvalid: item 'a/b' has the character '/'"),
    "a long key": (lambda change: change.create("é" * 512, {}), "NameInvalid: item"),
    "an empty key": (lambda change: change.delete(""), "NameInvalid: item '' is empty"),
    "a guard's key": (lambda change: change.create("~alice", {}), "NameInvalid: item '~alice' is no key"),
    "a number for a key": (lambda change: change.create(7, {}), "NameInvalid: item 7 is no key"),  # type: ignore[arg-type]
    "more than a batch holds": (lambda change: change.create("big", {"text": "x" * 2_100_000}), "Rejected: 2100"),
    "more when it is escaped": (lambda change: change.create("big", {"text": "é" * 400_000}), "Rejected: views: 413"),
    "a text without end": (lambda _: _raise(ValueError("x" * 3_000_000)), "ValueError: xxx"),
    "a text that is no UTF-8": (lambda _: _raise(ValueError("\udcff")), "ValueError: \\udcff"),
    "an error without text": (lambda _: _raise(Unprintable()), "Unprintable: its text cannot be had: RuntimeError"),
}


def refusing(what: str) -> StreamView:
    """Makes an item of every deposit, and for one of 13 what nobody takes."""

    class Refusing(StreamView):
        name = "refusing"
        category = "account"
        buckets = 1

        @on(Account.FundsCredited)
        def credited(self, change: Change, event: Account.FundsCredited) -> None:
            change.state["balance"] = change.state.get("balance", 0) + event.amount
            if event.amount == 13:
                REFUSED[what][0](change)
            change.create(f"{self.key(event.originator_id)}-{event.originator_version}", {"amount": event.amount})

    return Refusing()


@pytest.fixture
def stores(client: CosmosClient, database: str) -> Database:
    return Database.open(client, database)


def fill(container: ContainerProxy, guard: dict[str, Any]) -> None:
    """Makes the guard as large as the store takes it."""
    bare = {name: value for name, value in guard.items() if not name.startswith("_")}
    bare["state"]["text"] = ""
    bare["state"]["text"] = "x" * (2 * 2**20 - len(orjson.dumps(bare)))
    container.replace_item(bare["id"], bare)


def deposits(ledger: Ledger) -> None:
    for name in ("alice", "bob"):
        ledger.open(name)
        ledger.deposit(name, 1)
    for name, amount in (("alice", 13), ("bob", 2), ("alice", 3), ("bob", 4)):
        ledger.deposit(name, amount)


@pytest.mark.parametrize("worked", [ONE_BY_ONE, TOGETHER], ids=["one by one", "together"])
@pytest.mark.parametrize("what", REFUSED)
def test_what_is_always_refused_parks_its_stream_with_one_line_and_no_more(
    client: CosmosClient,
    database: str,
    ledger: Ledger,
    stores: Database,
    caplog: pytest.LogCaptureFixture,
    what: str,
    worked: WorkerSettings,
) -> None:
    deposits(ledger)
    assert Worker(client, database, views=[refusing(what)], settings=worked).run_until_idle(30).idle
    (found,) = all_dead_letters(stores.views, "refusing", 1)
    assert (found.stream, found.version, found.upto, found.attempts) == ("account-alice", 2, 4, 1)
    assert found.reason.startswith(REFUSED[what][1])
    assert len(found.reason) < 600
    assert "\n" not in found.reason
    items = {(row["stream"], row["data"]["amount"]) for row in rows(client, database, "refusing") if "data" in row}
    assert items == {("account-alice", 1), ("account-bob", 1), ("account-bob", 2), ("account-bob", 4)}
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert line.startswith(f"refusing parked account-alice at version 3 (account.funds-credited): {found.reason}")


@pytest.mark.parametrize("what", ["a set", "an item that is not there"])
def test_without_parking_what_is_refused_is_named(
    client: CosmosClient, database: str, ledger: Ledger, stores: Database, what: str
) -> None:
    deposits(ledger)
    consumer = ViewConsumer(
        refusing(what), 1, views=stores.views, history=stores.history, mapper=stores.mapper, park=False
    )
    with pytest.raises(PoisonEvent, match="account-alice version 3 "):
        Worker(client, database, [consumer], views=(), settings=TOGETHER).run_until_idle(30)
    assert all_dead_letters(stores.views, "refusing", 1) == []


@pytest.mark.parametrize("what", ["a set", "an item that is there", "more when it is escaped"])
def test_a_retry_that_is_refused_further_on_goes_as_far_as_it_can(
    client: CosmosClient, database: str, ledger: Ledger, stores: Database, what: str
) -> None:
    """Or nobody could drop the second event: the stream would stay at the first one, which is mended."""
    broken = True

    class Repaired(StreamView):
        name = "refusing"
        category = "account"

        @on(Account.FundsCredited)
        def credited(self, change: Change, event: Account.FundsCredited) -> None:
            if event.amount == 1 and broken:
                raise ValueError("soon mended")
            change.create(f"alice-{event.originator_version}", {"amount": event.amount})
            if event.amount == 13:
                REFUSED[what][0](change)

    ledger.open("alice")
    for amount in (1, 2, 13, 3):
        ledger.deposit("alice", amount)
    view = Repaired()
    assert Worker(client, database, views=[view], settings=TOGETHER).run_until_idle(30).idle
    broken = False
    drain = dead_letters_of(view, 1, views=stores.views, history=stores.history, mapper=stores.mapper)
    failed = drain.retry("account-alice")
    assert failed is not None
    assert (failed["version"], failed["reason"].startswith(REFUSED[what][1])) == (4, True)
    assert [(found.version, found.upto) for found in all_dead_letters(stores.views, "refusing", 1)] == [(3, 5)]
    drain.drop("account-alice", 4, by="olga", at=NOON)
    assert drain.retry("account-alice") is None
    items = [row["data"]["amount"] for row in rows(client, database, "refusing") if "data" in row]
    assert sorted(items) == [1, 2, 3]


def test_a_mark_that_a_worker_raises_while_a_retry_looks_for_the_place_stays(
    client: CosmosClient, database: str, cosmos: LocalCosmos, ledger: Ledger, stores: Database
) -> None:
    """Lowered, it would leave what the worker has passed over to nobody."""
    what = "more when it is escaped"
    view = refusing(what)
    worker = Worker(client, database, views=[view], settings=TOGETHER)
    deposits(ledger)
    assert worker.run_until_idle(30).idle

    def more(info: RequestInfo, phase: str) -> None:
        if info.operation == "batch" and phase == "after":
            remove()
            ledger.deposit("alice", 5)
            assert worker.run_until_idle(30).idle

    remove = cosmos.faults.on_request(more)
    drain = dead_letters_of(view, 1, views=stores.views, history=stores.history, mapper=stores.mapper)
    assert drain.retry("account-alice") is not None
    assert [(found.version, found.upto) for found in all_dead_letters(stores.views, "refusing", 1)] == [(2, 5)]


@pytest.mark.parametrize("keyed", [False, True])
@pytest.mark.parametrize("name", ["a/b", "a\\b", "a#b", "a?b", "k" * 1100, "~", "~1"])
def test_a_stream_that_the_log_has_is_kept_whatever_its_name(
    client: CosmosClient, database: str, ledger: Ledger, stores: Database, name: str, keyed: bool
) -> None:
    class Opened(StreamView):
        name = "opened"
        category = "account"
        keyed_by_stream = keyed

        @on(Account.Opened)
        def opened(self, change: Change, event: Account.Opened) -> None:
            change.state["owner"] = event.owner

    names = ["1", name, "2"]
    (opened,) = Account.open("1", asset="EUR/2", owner="olga", at=NOON).collect_events()
    for number, each in enumerate(names):
        state = orjson.loads(stores.mapper.to_stored_event(opened).state) | {"owner": f"owner{number}"}
        stream = f"account-{each}"
        document = ledger.seal(stream, "account.opened", orjson.dumps(state), uuid.uuid4().hex, 1)
        ledger.container.create_item(document)
    assert Worker(client, database, views=[Opened()], settings=ONE_BY_ONE).run_until_idle(30).idle
    kept = {row["stream"]: row["state"]["owner"] for row in rows(client, database, "opened")}
    assert kept == {f"account-{each}": f"owner{number}" for number, each in enumerate(names)}


@given(st.lists(st.text(), min_size=2, max_size=2, unique=True))
def test_no_two_streams_have_one_name_in_a_view(keys: list[str]) -> None:
    first, second = keys
    assert stored_name(first) != stored_name(second)
    assert stored_name(stored_name(first)) != stored_name(first) or stored_name(first) == first


class Hoarder(StreamView):
    """Keeps a text of 370 bytes for every hold."""

    name = "hoarder"
    category = "account"

    @on(Account.HoldPlaced)
    def placed(self, change: Change, event: Account.HoldPlaced) -> None:
        change.state[str(event.hold_id)] = "x" * 360


def test_an_account_of_six_thousand_open_holds_is_parked_after_few_writes(
    client: CosmosClient, database: str, cosmos: LocalCosmos, ledger: Ledger, stores: Database
) -> None:
    ledger.open("alice")
    ledger.deposit("alice", 10_000)
    for _ in range(60):
        ledger.act("alice", *[lambda account: account.place_hold(1, at=ledger.now())] * 100)
    ledger.open("bob")
    sent: list[int] = []

    def note(info: RequestInfo, phase: str) -> None:
        if info.operation == "batch" and info.container == "views" and phase == "before":
            sent.append(len(info.body))

    cosmos.faults.on_request(note)
    assert Worker(client, database, views=[Hoarder()], settings=TOGETHER).run_until_idle(60).idle
    (found,) = all_dead_letters(stores.views, "hoarder", 1)
    assert 5_000 < found.version < found.upto == 6_002
    assert found.reason.startswith("Rejected: 20")
    assert len(sent) <= 10
    assert sum(sent) < 10 * 2**20


class Escaped(StreamView):
    """Items that are three times as large on the wire as they look, of which one in a thousand is too large."""

    name = "escaped"
    category = "account"

    @on(Account.FundsCredited)
    def credited(self, change: Change, event: Account.FundsCredited) -> None:
        change.create(f"{event.originator_version:010d}", {"text": "é" * (400_000 if event.amount == 13 else 1)})


def test_what_only_the_store_refuses_is_found_by_halves(
    client: CosmosClient, database: str, cosmos: LocalCosmos, ledger: Ledger, stores: Database
) -> None:
    ledger.open("alice")
    ledger.act(
        "alice", *[lambda account, n=n: account.deposit(13 if n == 37 else 1, at=ledger.now()) for n in range(49)]
    )
    batches: list[list[Any]] = []

    def note(info: RequestInfo, phase: str) -> None:
        if info.operation == "batch" and info.container == "views" and phase == "before":
            batches.append(orjson.loads(info.body))

    cosmos.faults.on_request(note)
    assert Worker(client, database, views=[Escaped()], settings=TOGETHER).run_until_idle(30).idle
    assert [(found.version, found.upto) for found in all_dead_letters(stores.views, "escaped", 1)] == [(38, 50)]
    assert len(batches) <= 12
    assert sum("data" in row for row in rows(client, database, "escaped")) == 37


def test_items_that_are_too_large_together_go_one_batch_after_the_other(
    client: CosmosClient, database: str, ledger: Ledger, stores: Database
) -> None:
    class Heavy(StreamView):
        name = "heavy"
        category = "account"

        @on(Account.FundsCredited)
        def credited(self, change: Change, event: Account.FundsCredited) -> None:
            change.create(f"{event.originator_version:010d}", {"text": "x" * 900_000})

    ledger.open("alice")
    ledger.act("alice", *[lambda account: account.deposit(1, at=ledger.now())] * 7)
    assert Worker(client, database, views=[Heavy()], settings=TOGETHER).run_until_idle(30).idle
    assert all_dead_letters(stores.views, "heavy", 1) == []
    assert sum("data" in row for row in rows(client, database, "heavy")) == 7


def test_a_stream_that_cannot_even_be_parked_is_left_as_it_is_and_named(
    client: CosmosClient, database: str, ledger: Ledger, stores: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """A guard that an older program made so large that nothing can be added to it."""
    ledger.open("alice")
    ledger.deposit("alice", 1)
    worker = Worker(client, database, views=[refusing("a set")], settings=ONE_BY_ONE)
    assert worker.run_until_idle(30).idle
    container = client.get_database_client(database).get_container_client("views")
    (guard,) = [row for row in rows(client, database, "refusing") if "state" in row]
    fill(container, guard)
    ledger.deposit("alice", 13)
    ledger.deposit("alice", 2)
    ledger.open("bob")
    ledger.deposit("bob", 4)
    assert Worker(client, database, views=[refusing("a set")], settings=ONE_BY_ONE).run_until_idle(30).idle
    kept = {row["stream"]: row["version"] for row in rows(client, database, "refusing") if "state" in row}
    assert kept == {"account-alice": 2, "account-bob": 2}
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert line.startswith("refusing leaves account-alice out while its range is held: version 3 ")


_GOOD = ("create", "replace", "delete", "nothing")
_BAD = ("raise", "set", "nan", "create what is there", "replace what is not", "delete what is not", "bad key")


class Trial(StreamView):
    """Does what the amount of a deposit says."""

    name = "trial"
    category = "account"
    buckets = 2

    @on(Account.FundsCredited)
    def credited(self, change: Change, event: Account.FundsCredited) -> None:
        name, version = self.key(event.originator_id), event.originator_version
        keys = change.state.setdefault("keys", [])
        match (_GOOD + _BAD)[event.amount - 1]:
            case "create":
                change.create(f"{name}-k{version}", {"n": version})
                keys.append(f"{name}-k{version}")
            case "replace" if keys:
                change.replace(keys[-1], {"n": version})
            case "delete" if keys:
                change.delete(keys.pop(0))
            case "raise":
                raise ValueError("no")
            case "set":
                keys.append({1})
            case "nan":
                change.create(f"{name}-k{version}", {"n": math.nan})
            case "create what is there":
                change.create(f"{name}-here", {"n": version})
            case "replace what is not":
                change.replace("gone", {"n": version})
            case "delete what is not":
                change.delete("gone")
            case "bad key":
                change.create("a?", {})

    @on(Account.Opened)
    def opened(self, change: Change, event: Account.Opened) -> None:
        change.create(f"{self.key(event.originator_id)}-here", {"n": event.originator_version})


def _expected(actions: list[int]) -> tuple[int, dict[str, int]]:
    """The last version applied, and the items then, without anything of the product."""
    items, keys = {"here": 1}, []
    for version, action in enumerate(actions, 2):
        if action > len(_GOOD):
            return version - 1, items
        match _GOOD[action - 1]:
            case "create":
                items[f"k{version}"] = version
                keys.append(f"k{version}")
            case "replace" if keys:
                items[keys[-1]] = version
            case "delete" if keys:
                del items[keys.pop(0)]
    return len(actions) + 1, items


_ACTIONS = st.lists(
    st.one_of(st.integers(1, len(_GOOD)), st.integers(1, len(_GOOD)), st.integers(1, len(_GOOD) + len(_BAD))),
    max_size=9,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example([[len(_GOOD) + 1 + _BAD.index("create what is there")]], 100, random.Random(0))
@given(st.lists(_ACTIONS, min_size=1, max_size=4), st.sampled_from([1, 2, 3, 100]), st.randoms(use_true_random=False))
def test_every_stream_comes_as_far_as_its_own_events_allow(
    cosmos: LocalCosmos, streams: list[list[int]], page: int, order: random.Random
) -> None:
    client, database = cosmos.client(), f"trial{uuid.uuid4().hex}"
    create_containers(client, database, VIEWS.indexed)
    ledger = Ledger(client.get_database_client(database).get_container_client("events"))
    for number in range(len(streams)):
        ledger.open(f"a{number}")
    numbers = [number for number, actions in enumerate(streams) for _ in actions]
    order.shuffle(numbers)
    left = [iter(actions) for actions in streams]
    for number in numbers:
        ledger.deposit(f"a{number}", next(left[number]))
    worked = WorkerSettings(parallel=0, page=page, pending=page, flush=0, refresh=0.05, idle_max=0.05, retry_min=0.01)
    assert Worker(client, database, views=[Trial()], settings=worked).run_until_idle(30).idle
    parked: dict[str, DeadLetter] = {
        found.stream: found for found in all_dead_letters(Database.open(client, database).views, "trial", 1)
    }
    stored = rows(client, database, "trial")
    for number, actions in enumerate(streams):
        stream = f"account-a{number}"
        version, items = _expected(actions)
        (guard,) = [row for row in stored if row["stream"] == stream and "state" in row]
        assert guard["version"] == version
        found = {row["id"]: row["data"]["n"] for row in stored if row["stream"] == stream and "data" in row}
        assert found == {f"a{number}-{key}": n for key, n in items.items()}
        waits = version < len(actions) + 1
        assert (stream in parked) == waits
        assert not waits or parked[stream].upto == len(actions) + 1


def test_a_drop_that_is_refused_is_not_taken_for_done(
    client: CosmosClient, database: str, ledger: Ledger, stores: Database
) -> None:
    deposits(ledger)
    view = refusing("a set")
    assert Worker(client, database, views=[view], settings=ONE_BY_ONE).run_until_idle(30).idle
    container = client.get_database_client(database).get_container_client("views")
    (guard,) = [row for row in rows(client, database, "refusing") if row["id"] == "~alice"]
    fill(container, guard)
    drain = dead_letters_of(view, 1, views=stores.views, history=stores.history, mapper=stores.mapper)
    with pytest.raises(Rejected):
        drain.drop("account-alice", 3, by="olga", at=NOON)
    assert [found.version for found in all_dead_letters(stores.views, "refusing", 1)] == [2]
