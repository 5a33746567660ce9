"""Sums whatever they meet: many streams that wait, what no store keeps, keys with names without end, earlier forms."""

import contextlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from azure.cosmos import CosmosClient

from domain.ledger.account import Account
from localazure.cosmos import LocalCosmos, RequestInfo
from projectors.database import Database
from projectors.errors import PoisonEvent
from projectors.ledger import VIEWS
from projectors.processor.worker import Visit, Worker
from projectors.settings import WorkerSettings
from projectors.views.consumer import ViewConsumer
from projectors.views.dead_letters import all_dead_letters, dead_letters_of
from projectors.views.reader import ViewReader
from projectors.views.sums.dead_letters import SumDeadLetters
from projectors.views.sums.view import Sums, SumView
from projectors.views.view import on
from replay.status import status
from replay.verify import verify
from tests.projectors.broken import Broken
from tests.projectors.feeding import Ledger, rows, shown_by_the_views, told_by_the_log

AT = datetime(2026, 11, 23, tzinfo=UTC)
MANY = 120


@pytest.fixture
def stores(client: CosmosClient, database: str) -> Database:
    return Database.open(client, database)


@pytest.fixture
def worker(client: CosmosClient, database: str, settings: WorkerSettings) -> Worker:
    small = settings.model_copy(update={"page": 40})
    return Worker(client, database, only=("ledger-totals", "owner-accounts"), settings=small, views=VIEWS.values())


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Broken:
    return Broken(monkeypatch)


def guards(client: CosmosClient, database: str, view: str = "ledger-totals") -> list[dict[str, Any]]:
    return [row for row in rows(client, database, view) if row["id"].startswith("~") and row["id"][1] != "~"]


def park_many(ledger: Ledger, worker: Worker, many: int = MANY) -> None:
    """An account each that begins with a deposit of 13, and one that does not."""
    for number in range(many):
        ledger.open(f"a{number}")
        ledger.deposit(f"a{number}", 13)
    ledger.open("healthy")
    ledger.deposit("healthy", 100)
    assert worker.run_until_idle(60).idle


def test_the_guard_stays_small_and_the_range_goes_on_however_many_streams_wait(
    client: CosmosClient, database: str, ledger: Ledger, broken: Broken, worker: Worker, stores: Database
) -> None:
    park_many(ledger, worker)
    assert len(all_dead_letters(stores.views, "ledger-totals", 1)) == MANY
    (guard,) = guards(client, database)
    assert guard["parked"] == MANY
    assert len(orjson.dumps(guard)) < 600
    found = ViewReader(client, database, VIEWS).sums("ledger-totals", "EUR-2:2026-11-23")
    assert found.data["EUR-2:2026-11-23"]["deposits"] == 100
    assert len(found.freshness.parked) == 100  # some of them: answers have a bound as well
    drain = sum_drain(stores)
    for number in range(3):
        drain.drop(f"account-a{number}", 2, by="olga", at=AT)
        assert drain.retry(f"account-a{number}") is None
    broken.turn()
    for parked in all_dead_letters(stores.views, "ledger-totals", 1):
        assert drain.retry(parked.stream) is None
    shown, told = shown_by_the_views(client, database).totals, told_by_the_log(ledger).totals
    told["EUR-2:2026-11-23"]["deposits"] -= 3 * 13
    assert shown == told
    (guard,) = guards(client, database)
    assert (guard["parked"], guard["left_out"]) == (0, 3)
    assert verify(stores, VIEWS["ledger-totals"], settle=0).right


def test_what_a_page_writes_does_not_grow_with_the_streams_that_wait(
    client: CosmosClient, database: str, ledger: Ledger, broken: Broken, worker: Worker, cosmos: LocalCosmos
) -> None:
    sent: list[int] = []

    def note(info: RequestInfo, phase: str) -> None:
        if phase == "before" and info.container == "views" and info.operation == "batch":
            sent.append(len(info.body))

    cosmos.faults.on_request(note)
    sizes = []
    for number in range(2):
        for account in range(60):
            ledger.open(f"b{number}x{account}")
            ledger.deposit(f"b{number}x{account}", 13)
        assert worker.run_until_idle(60).idle
        sent.clear()
        ledger.open(f"healthy{number}")
        ledger.deposit(f"healthy{number}", 5)
        assert worker.run_until_idle(60).idle
        sizes.append(max(sent))
    assert sizes[1] - sizes[0] < 100


def sum_drain(stores: Database, view: SumView | None = None) -> SumDeadLetters:
    found = dead_letters_of(
        view or VIEWS["ledger-totals"], 1, views=stores.views, history=stores.history, mapper=stores.mapper
    )
    assert isinstance(found, SumDeadLetters)
    return found


# ---- what no store keeps


class Odd(SumView):
    """Adds something odd for deposits of 13."""

    name = "odd"
    category = "account"
    oddly: Callable[[Sums], None]

    @on(Account.FundsCredited)
    def credited(self, sums: Sums, event: Account.FundsCredited) -> None:
        if event.amount == 13:
            type(self).oddly(sums)
        else:
            sums.add("all", deposits=event.amount)


ODD: dict[str, Callable[[Sums], None]] = {
    "a key with /": lambda sums: sums.add("a/b", n=1),
    "a key with \\": lambda sums: sums.add("a\\b", n=1),
    "a key with #": lambda sums: sums.add("a#b", n=1),
    "a key with ?": lambda sums: sums.add("a?b", n=1),
    "a key that looks like a range's": lambda sums: sums.add("all@00-FF", n=1),
    "a key that looks like a guard": lambda sums: sums.add("~00-FF", n=1),
    "an empty key": lambda sums: sums.add("", n=1),
    "no key": lambda sums: sums.add(None, n=1),  # type: ignore[arg-type]
    "a long key": lambda sums: sums.add("é" * 600, n=1),
    "a key that is no UTF-8": lambda sums: sums.add("\udcff", n=1),
    "a long name": lambda sums: sums.add("all", **{"n" * 2_000_000: 1}),
    "a name that is no UTF-8": lambda sums: sums.add("all", **{"\udcff": 1}),
    "no number": lambda sums: sums.add("all", deposits=float("nan")),  # type: ignore[arg-type]
    "a fraction": lambda sums: sums.add("all", deposits=1.5),  # type: ignore[arg-type]
    "an error of megabytes": lambda _: (_ for _ in ()).throw(ValueError("x" * 3_000_000)),
    "an error that is no UTF-8": lambda _: (_ for _ in ()).throw(ValueError("\udcff")),
    "more sums than a batch holds": lambda sums: [sums.add(f"k{n}", n=1) for n in range(150)] and None,
}


def odd_visit(client: CosmosClient, database: str, ledger: Ledger, view: SumView, page: int = 100) -> Visit:
    """Two deposits before the odd one, two after it; of two accounts."""
    for name, amount in (("alice", 1), ("bob", 2), ("alice", 13), ("alice", 3), ("bob", 4)):
        if name not in ledger.accounts:
            ledger.open(name)
        ledger.deposit(name, amount)
    settings = WorkerSettings(parallel=0, page=page, refresh=0.05, idle_max=0.05, retry_min=0.01)
    return Worker(client, database, views=[view], settings=settings).run_until_idle(20)


@pytest.mark.parametrize("page", [1, 100])
@pytest.mark.parametrize("odd", ODD)
def test_what_no_store_keeps_parks_its_stream_with_a_reason_and_the_range_goes_on(
    client: CosmosClient, database: str, ledger: Ledger, stores: Database, odd: str, page: int, caplog: Any
) -> None:
    Odd.oddly = staticmethod(ODD[odd])  # type: ignore[assignment]
    with caplog.at_level(logging.ERROR):
        assert odd_visit(client, database, ledger, Odd(), page).idle
    (parked,) = all_dead_letters(stores.views, "odd", 1)
    assert (parked.stream, parked.version, parked.upto) == ("account-alice", 2, 4)
    assert 10 < len(parked.reason) <= 1_001
    assert sum(row["sums"]["deposits"] for row in rows(client, database, "odd") if row.get("key") == "all") == 7
    assert len([record for record in caplog.records if "parked account-alice at version 3" in record.message]) == 1
    failure = sum_drain(stores, Odd()).retry("account-alice")
    assert failure is not None
    assert failure["version"] == 3
    Odd.oddly = staticmethod(lambda sums: sums.add("all", deposits=13))  # type: ignore[assignment]
    assert sum_drain(stores, Odd()).retry("account-alice") is None
    assert sum(row["sums"]["deposits"] for row in rows(client, database, "odd") if row.get("key") == "all") == 23


class Swollen(SumView):
    """Names without end in one document, though the view does not say so."""

    name = "swollen"
    category = "account"

    @on(Account.FundsCredited)
    def credited(self, sums: Sums, event: Account.FundsCredited) -> None:
        if event.amount == 13:
            sums.add("names", **{f"{'n' * 800}{number}": 1 for number in range(3_000)})
        sums.add("all", deposits=event.amount)


@pytest.mark.parametrize("park", [True, False])
def test_a_sum_that_the_store_refuses_parks_what_adds_to_it(
    client: CosmosClient, database: str, ledger: Ledger, stores: Database, settings: WorkerSettings, park: bool
) -> None:
    for name, amount in (("alice", 1), ("bob", 2), ("alice", 13), ("alice", 3), ("bob", 4)):
        if name not in ledger.accounts:
            ledger.open(name)
        ledger.deposit(name, amount)
    consumer = ViewConsumer(Swollen(), 1, views=stores.views, history=stores.history, mapper=stores.mapper, park=park)
    worker = Worker(client, database, [consumer], views=(), settings=settings)
    if not park:
        with pytest.raises(PoisonEvent, match=r"account-alice version 3 .*sums of names"):
            worker.run_until_idle(20)
        return
    assert worker.run_until_idle(20).idle
    (parked,) = all_dead_letters(stores.views, "swollen", 1)
    assert (parked.stream, parked.version, parked.upto) == ("account-alice", 2, 4)
    assert "sums of names" in parked.reason
    assert sum(row["sums"]["deposits"] for row in rows(client, database, "swollen") if row.get("key") == "all") == 7


def test_a_range_that_cannot_go_on_says_so_in_status(
    client: CosmosClient, database: str, ledger: Ledger, worker: Worker, stores: Database
) -> None:
    """Somebody deleted the guard: adding to what is there would count it twice."""
    ledger.open("alice")
    worker.run_until_idle(30)
    stores.views.delete("~00-FF", "ledger-totals@1:all")
    ledger.deposit("alice", 5)
    assert not worker.run_until_idle(0.5).idle
    (told,) = [row.lag.errors for row in status(stores, VIEWS).views if row.view == "ledger-totals"]
    assert len(told) == 1
    assert "there are sums without the guard that they belong to: rebuild the view" in told[0]


# ---- names without end


def test_the_accounts_of_an_owner_are_a_document_each(
    client: CosmosClient, database: str, ledger: Ledger, worker: Worker, stores: Database
) -> None:
    ledger.open("alice")
    ledger.open("bob")
    assert worker.run_until_idle(30).idle
    documents = [row for row in rows(client, database, "owner-accounts") if "key" in row]
    assert sorted(tuple(row["sums"]) for row in documents) == [("alice",), ("bob",)]
    found = ViewReader(client, database, VIEWS).sums("owner-accounts", "olga")
    assert found.data == {"olga": {"alice": 1, "bob": 1}}
    assert verify(stores, VIEWS["owner-accounts"], settle=0).right


# ---- what else goes on meanwhile


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_mark_raised_between_the_reads_of_a_retry_is_not_lost(
    client: CosmosClient,
    database: str,
    ledger: Ledger,
    broken: Broken,
    worker: Worker,
    stores: Database,
    cosmos: LocalCosmos,
    number: int,
) -> None:
    """A guard that is newer than the mark read before it would let a retry end the wait too early."""
    park_many(ledger, worker, 2)
    broken.turn()
    seen = 0

    def more(info: RequestInfo, phase: str) -> None:
        nonlocal seen
        if phase == "before" and info.container == "views" and info.operation in ("query", "read"):
            seen += 1
            if seen == number:
                ledger.deposit("a0", 7)
                assert worker.run_until_idle(30).idle

    remove = cosmos.faults.on_request(more)
    assert sum_drain(stores).retry("account-a0") is None
    remove()
    assert seen > number
    assert sum_drain(stores).retry("account-a1") is None
    assert worker.run_until_idle(30).idle
    assert shown_by_the_views(client, database).totals == told_by_the_log(ledger).totals


def test_a_stream_of_sums_waits_behind_its_poison(
    client: CosmosClient, database: str, ledger: Ledger, broken: Broken, worker: Worker, stores: Database
) -> None:
    """Another worker, which has nothing in memory, finds it waiting."""
    park_many(ledger, worker, 1)
    ledger.withdraw("a0", 2)
    assert worker.run_until_idle(30).idle
    (found,) = all_dead_letters(stores.views, "ledger-totals", 1)
    assert (found.stream, found.version, found.upto, found.attempts) == ("account-a0", 1, 3, 1)


# ---- the earlier form


@pytest.fixture
def earlier(
    client: CosmosClient, database: str, ledger: Ledger, broken: Broken, worker: Worker, stores: Database
) -> None:
    """What a program before this form left: streams that wait and notes inside the guard, an owner in one document."""
    park_many(ledger, worker)
    sum_drain(stores).drop("account-a0", 2, by="olga", at=AT)
    put_inside(client, database)


def put_inside(client: CosmosClient, database: str) -> None:
    container = client.get_database_client(database).get_container_client("views")
    for view in ("ledger-totals", "owner-accounts"):
        (guard,) = guards(client, database, view)
        found = rows(client, database, view)
        late = {
            row["stream"]: {name: row[name] for name in ("after", "upto", "error", "attempts")}
            for row in found
            if "upto" in row
        }
        dropped = [note for row in found for note in row.get("dropped", ())]
        for row in found:
            if row["id"].startswith("~~") or (view == "owner-accounts" and "key" in row):
                container.delete_item(row["id"], row["pk"])
            elif "key" in row:
                container.replace_item(row["id"], {name: value for name, value in row.items() if name != "lsn"})
        if view == "owner-accounts":
            names = {name: 1 for row in found for name in row.get("sums", ())}
            document = {"id": "olga@00-FF", "pk": guard["pk"], "lease": "00-FF", "key": "olga", "sums": names}
            container.create_item(document)
        gone = ("parked", "left_out", "drained")
        kept = {name: value for name, value in guard.items() if name not in gone}
        container.replace_item(guard["id"], kept | {"late": late, "dropped": dropped})


@pytest.mark.usefixtures("earlier")
def test_an_earlier_form_is_read_as_it_is(client: CosmosClient, database: str, stores: Database) -> None:
    waiting = all_dead_letters(stores.views, "ledger-totals", 1)
    assert len(waiting) == MANY - 1
    assert {parked.reason for parked in waiting} == {"ValueError: thirteen"}
    found = ViewReader(client, database, VIEWS).sums("ledger-totals", "EUR-2:2026-11-23")
    assert found.data["EUR-2:2026-11-23"]["deposits"] == 100
    assert len(found.freshness.parked) == 100
    assert len(ViewReader(client, database, VIEWS).sums("owner-accounts", "olga").data["olga"]) == MANY + 1
    for view in ("ledger-totals", "owner-accounts"):
        assert verify(stores, VIEWS[view], settle=0).right


@pytest.mark.usefixtures("earlier")
@pytest.mark.parametrize("who", ["worker", "drain", "split"])
def test_an_earlier_form_is_moved_over_by_whoever_writes_next(
    client: CosmosClient,
    database: str,
    ledger: Ledger,
    worker: Worker,
    stores: Database,
    broken: Broken,
    cosmos: LocalCosmos,
    who: str,
) -> None:
    if who == "split":
        cosmos.split(database, "events")
    if who == "drain":
        assert sum_drain(stores).retry("account-a1") is not None
    else:
        ledger.open("new")
        ledger.deposit("a2", 1)
        assert worker.run_until_idle(30).idle
    for guard in guards(client, database):
        assert not {"late", "dropped"} & guard.keys()
    assert sum(guard["parked"] for guard in guards(client, database)) >= MANY - 1
    assert sum(guard["left_out"] for guard in guards(client, database)) == 1
    broken.turn()
    for parked in all_dead_letters(stores.views, "ledger-totals", 1):
        assert sum_drain(stores).retry(parked.stream) is None
    ledger.open("newer")
    assert worker.run_until_idle(30).idle
    shown, told = shown_by_the_views(client, database).totals, told_by_the_log(ledger).totals
    told["EUR-2:2026-11-23"]["deposits"] -= 13
    assert shown == told
    for view in ("ledger-totals", "owner-accounts"):
        assert verify(stores, VIEWS[view], settle=0).right


# ---- every request of it


class Stopped(BaseException):
    """The process is gone."""


def disturbed(cosmos: LocalCosmos, at: int, how: str) -> Callable[[], int]:
    """Kills the process before its write of this number, or loses the write's answer; gives how many there were."""
    seen = 0

    def disturb(info: RequestInfo, phase: str) -> None:
        nonlocal seen
        if info.container != "views" or info.operation not in ("batch", "create", "replace", "delete"):
            return
        if how == "killed" and phase == "before":
            seen += 1
            if seen == at:
                raise Stopped
        if how == "lost" and phase == "before":
            seen += 1
            if seen == at:
                cosmos.faults.add(lose_answer=True, container="views", operation=info.operation, count=1)

    remove = cosmos.faults.on_request(disturb)

    def end() -> int:
        remove()
        return seen

    return end


@pytest.mark.parametrize("how", ["killed", "lost"])
def test_parking_moving_retrying_and_dropping_survive_the_loss_of_any_write(
    client: CosmosClient,
    database: str,
    ledger: Ledger,
    worker: Worker,
    stores: Database,
    broken: Broken,
    cosmos: LocalCosmos,
    how: str,
) -> None:
    left_out = 0
    names = [f"c{number}" for number in range(4)]
    for name in names:
        ledger.open(name)

    def everything() -> None:
        assert worker.run_until_idle(30).idle
        for parked in all_dead_letters(stores.views, "ledger-totals", 1):
            if parked.stream == "account-c0" and parked.reason == "ValueError: thirteen":
                sum_drain(stores).drop(parked.stream, parked.version + 1, by="olga", at=AT)
        broken.on = False
        for parked in all_dead_letters(stores.views, "ledger-totals", 1):
            assert sum_drain(stores).retry(parked.stream) is None
        broken.on = True

    def survives(at: int, *, inside: bool) -> bool:
        """Whether there was a write of this number."""
        nonlocal left_out
        for name in names:
            ledger.deposit(name, 13)
            ledger.withdraw(name, 1)
        left_out += 13
        if inside:
            assert worker.run_until_idle(30).idle
            put_inside(client, database)
        end = disturbed(cosmos, at, how)
        with contextlib.suppress(Stopped):
            everything()
        count = end()
        broken.on = True
        everything()
        assert all_dead_letters(stores.views, "ledger-totals", 1) == []
        notes = [note for row in rows(client, database, "ledger-totals") for note in row.get("dropped", ())]
        assert len(notes) * 13 == left_out
        shown, told = shown_by_the_views(client, database).totals, told_by_the_log(ledger).totals
        told["EUR-2:2026-11-23"]["deposits"] -= left_out
        assert shown == told
        (guard,) = guards(client, database)
        assert (guard["parked"], guard["left_out"]) == (0, len(notes))
        return count >= at

    assert worker.run_until_idle(30).idle
    for inside in (False, True):
        at = 1
        while survives(at, inside=inside):
            at += 1
        assert at > 6
    broken.on = False
    assert verify(stores, VIEWS["ledger-totals"], settle=0).right
