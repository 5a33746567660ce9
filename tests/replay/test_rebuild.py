"""Rebuilding: beside what serves, resumable anywhere, switched only when right."""

import socket
import subprocess
import sys
import threading
import time

import pytest
from azure.cosmos import CosmosClient
from replaying import NOON, History

from devkit.cosmos import LocalCosmos, RequestInfo
from domain.account import Account
from eventstore.position import Position
from projectors.errors import PoisonEvent, RebuildRunning, Unavailable
from projectors.parked import parked_in
from projectors.reader import ViewReader
from projectors.settings import WorkerSettings
from projectors.stores import Stores
from projectors.stream_projector import StreamProjector
from projectors.view import Change
from projectors.views import VIEWS
from projectors.views.account_summary import AccountSummary
from projectors.views.statement import Statement
from projectors.worker import Worker
from replay.builder import builder_partition
from replay.errors import Differences, NotCaughtUp
from replay.progress import Progress, RebuildOptions
from replay.rebuild import rebuild
from replay.verify import verify

pytestmark = pytest.mark.usefixtures("served")


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_a_rebuild_gives_item_by_item_what_was_there_before(
    client: CosmosClient, database: str, settings: WorkerSettings, stores: Stores, view: str
) -> None:
    rebuilt = rebuild(client, database, view, settings=settings)
    assert (rebuilt.before, rebuilt.generation, rebuilt.switched) == (1, 2, True)
    assert rebuilt.comparison.left == rebuilt.comparison.right
    assert rebuilt.comparison.agrees
    assert stores.registry.of(view).serving == 2
    assert verify(stores, view).right
    if view != "transfer-status":
        assert rebuilt.comparison.streams > 0


def test_a_rebuild_writes_each_item_once_however_many_events_it_has(
    client: CosmosClient, database: str, settings: WorkerSettings, cosmos: LocalCosmos
) -> None:
    cosmos.log.clear()
    rebuilt = rebuild(client, database, "account-summary", settings=settings)
    assert rebuilt.comparison.streams == 6
    assert cosmos.log.count("batch", container="views") <= 6
    assert cosmos.log.count("batch", container="events") == 0


def test_pages_that_end_early_do_not_end_a_rebuild_early_nor_cost_a_write_each(
    client: CosmosClient, database: str, stores: Stores, settings: WorkerSettings, cosmos: LocalCosmos
) -> None:
    account = Account.open("pairs", asset="EUR/2", owner="olga", at=NOON)
    log = History(client.get_database_client(database).get_container_client("events"), accounts=0)
    for _ in range(30):
        account.deposit(2, at=NOON)
        account.withdraw(1, at=NOON)
        log.save(account)
    Worker(client, database, settings=settings).run_until_idle(30)
    events = stores.feed.count()
    cosmos.log.clear()
    rebuilt = rebuild(client, database, "account-summary", settings=settings.model_copy(update={"page": 7}))
    assert rebuilt.progress.events == events
    assert cosmos.log.count("query", container="events") == 0
    assert cosmos.log.count("batch", container="views") <= 7


def test_workers_take_the_new_generation_over_and_keep_the_old_one_for_an_undo(
    client: CosmosClient, database: str, settings: WorkerSettings, stores: Stores, history: History, served: Worker
) -> None:
    rebuild(client, database, "statement", settings=settings)
    history.write(20)
    served.run_until_idle(30)
    assert verify(stores, "statement", settle=0).right
    assert verify(stores, "statement", generation=1, settle=0).right


def test_no_reader_fails_or_goes_back_while_everything_is_rebuilt_under_load(
    client: CosmosClient,
    database: str,
    settings: WorkerSettings,
    stores: Stores,
    history: History,
    cosmos: LocalCosmos,
) -> None:
    """With a writer, a live worker, 5 % throttling and two partition splits in between."""
    stop = threading.Event()
    trouble: list[BaseException] = []

    def write() -> None:
        while not stop.is_set():
            history.write(1)
            time.sleep(0.005)

    def read() -> None:
        reader = ViewReader(client, database, follow_seconds=0.1)
        highest = {account.id: 0 for account in history.accounts}
        while not stop.is_set():
            for stream, least in highest.items():
                page = reader.page("statement", stream, descending=True, limit=5, wait=5)
                assert page.freshness.reached
                assert page.freshness.version >= least
                highest[stream] = page.freshness.version

    def guarded(work: object) -> None:
        try:
            work()  # type: ignore[operator]
        except BaseException as error:  # noqa: BLE001 - told by the assertion below
            trouble.append(error)

    worker = Worker(client, database, settings=settings)
    jobs = [write, read, lambda: worker.run(stop)]
    threads = [threading.Thread(target=guarded, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    cosmos.faults.add(status=429, retry_after_ms=2, probability=0.05, seed=1, container="views")
    cosmos.faults.add(status=429, retry_after_ms=2, probability=0.05, seed=2, container="leases")
    try:
        for view in ("statement", "account-summary", "ledger-totals"):
            cosmos.split(database, "events") if view != "ledger-totals" else None
            assert rebuild(client, database, view, settings=settings).comparison.agrees
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
        cosmos.faults.clear()
    assert trouble == []
    Worker(client, database, settings=settings, clock=lambda: time.time() + 1000).run_until_idle(30)
    for view in ("statement", "account-summary", "ledger-totals", "active-holds"):
        assert verify(stores, view, settle=0).right


class Killed(BaseException):
    """The process is gone."""


def test_a_rebuild_killed_at_any_moment_goes_on_and_ends_with_the_same_digest(
    client: CosmosClient, database: str, settings: WorkerSettings, cosmos: LocalCosmos, stores: Stores
) -> None:
    small = settings.model_copy(update={"page": 20})
    options = RebuildOptions(flush=0.0)
    expected = rebuild(client, database, "statement", options, settings=small).comparison.right
    for fatal in range(1, 200, 9):
        sent = 0

        def kill(info: RequestInfo, phase: str, fatal: int = fatal) -> None:
            nonlocal sent
            sent += phase == "before"
            if sent >= fatal:
                raise Killed

        remove = cosmos.faults.on_request(kill)
        try:
            rebuild(client, database, "statement", options, settings=small)
        except Killed:
            remove()
            _expire(stores)
            found = rebuild(client, database, "statement", options, settings=small)
            assert found.comparison.right == expected
        else:
            remove()
            break
    assert sent > 20
    assert verify(stores, "statement").right


def _expire(stores: Stores) -> None:
    """What time would do to the lock and the leases of a dead process."""
    stores.leases.forget(builder_partition("statement"))
    now = stores.registry.of("statement")
    if now.building is not None:
        for lease in stores.leases.of(f"statement@{now.building.generation}"):
            stores.leases.release(lease)


def test_a_second_rebuild_of_a_view_is_refused_with_the_name_of_the_first(
    client: CosmosClient, database: str, settings: WorkerSettings
) -> None:
    second: list[Exception] = []

    def start_another(progress: Progress) -> None:
        if not second:
            with pytest.raises(RebuildRunning, match="is being rebuilt by") as refused:
                rebuild(client, database, "statement", settings=settings)
            second.append(refused.value)

    assert rebuild(client, database, "statement", settings=settings, progress=start_another).switched
    assert len(second) == 1


def test_a_rebuild_whose_process_is_gone_is_taken_up_at_once(
    client: CosmosClient, database: str, settings: WorkerSettings, stores: Stores
) -> None:
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    stores.registry.build("statement", by=f"{socket.gethostname()}:{gone.pid}", at="2026-11-23T12:00:00+00:00")
    stores.leases.establish("statement@2", stores.feed.ranges(), stores.feed.rid())
    for lease in stores.leases.of("statement@2"):
        stores.leases.take(lease, "the process that is gone")
    rebuilt = rebuild(client, database, "statement", settings=settings)
    assert (rebuilt.generation, rebuilt.comparison.agrees) == (2, True)


def test_a_rebuild_on_another_machine_is_waited_for_until_its_leases_expire(
    client: CosmosClient, database: str, settings: WorkerSettings, stores: Stores
) -> None:
    stores.registry.build("statement", by="elsewhere:1", at="2026-11-23T12:00:00+00:00")
    stores.leases.establish("statement@2", stores.feed.ranges(), stores.feed.rid())
    (lease,) = stores.leases.of("statement@2")
    taken = stores.leases.take(lease, "elsewhere")
    with pytest.raises(RebuildRunning, match="by elsewhere:1"):
        rebuild(client, database, "statement", settings=settings)
    stores.leases.release(taken)
    assert rebuild(client, database, "statement", settings=settings).generation == 2


def test_without_a_switch_the_new_generation_is_kept_up_to_date_and_does_not_serve(
    client: CosmosClient, database: str, settings: WorkerSettings, stores: Stores, history: History, served: Worker
) -> None:
    rebuilt = rebuild(client, database, "statement", RebuildOptions(switch=False), settings=settings)
    assert not rebuilt.switched
    assert stores.registry.of("statement").serving == 1
    history.write(10)
    served.run_until_idle(30)
    assert verify(stores, "statement", generation=2, settle=0).right


def test_a_view_that_has_changed_is_not_switched_unless_that_is_accepted(
    client: CosmosClient, database: str, settings: WorkerSettings, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = AccountSummary.opened

    def with_more(self: AccountSummary, change: Change, event: Account.Opened) -> None:
        opened(self, change, event)
        change.state["new"] = True

    monkeypatch.setattr(AccountSummary, "opened", with_more)
    with pytest.raises(Differences, match="--accept-changes"):
        rebuild(client, database, "account-summary", settings=settings)
    assert stores.registry.of("account-summary").serving == 1
    accepted = rebuild(client, database, "account-summary", RebuildOptions(accept_changes=True), settings=settings)
    assert (accepted.generation, accepted.switched, accepted.comparison.agrees) == (2, True, False)


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    on = [True]
    apply = Statement.apply

    def refuse(self: Statement, change: object, event: object) -> None:
        if on[0] and getattr(event, "originator_version", 0) == 4:
            raise ValueError("bad event")
        apply(self, change, event)  # type: ignore[arg-type]

    monkeypatch.setattr(Statement, "apply", refuse)
    return on


def test_a_bad_event_stops_a_rebuild_by_name_and_it_goes_on_after_the_mend(
    client: CosmosClient, database: str, settings: WorkerSettings, stores: Stores, poisoned: list[bool]
) -> None:
    with pytest.raises(PoisonEvent, match=r"statement cannot apply account-acc\d version 4 \(account\.[a-z-]+\)"):
        rebuild(client, database, "statement", settings=settings)
    assert (stores.registry.of("statement").serving, stores.registry.of("statement").building.generation) == (1, 2)
    poisoned[0] = False
    assert rebuild(client, database, "statement", settings=settings).generation == 2


def test_a_generation_with_parked_streams_does_not_replace_one_without(
    client: CosmosClient, database: str, settings: WorkerSettings, stores: Stores, poisoned: list[bool]
) -> None:
    parking = RebuildOptions(park=True, accept_changes=True)
    with pytest.raises(Exception, match="parked streams that the serving one has not"):
        rebuild(client, database, "statement", parking, settings=settings)
    assert len(parked_in(stores.views, "statement", 2)) == 6
    assert stores.registry.of("statement").serving == 1


def test_progress_counts_up_to_the_whole_log(client: CosmosClient, database: str, settings: WorkerSettings) -> None:
    seen: list[Progress] = []
    rebuilt = rebuild(client, database, "account-summary", settings=settings, progress=seen.append)
    assert [moment.events for moment in seen] == sorted(moment.events for moment in seen)
    assert rebuilt.progress.events == rebuilt.progress.total == 72
    assert seen[0].eta is None or seen[0].events > 0
    assert rebuilt.progress.request_units > 0


def test_progress_moves_before_anything_is_stored_and_its_rate_is_that_of_this_attempt(
    client: CosmosClient, database: str, settings: WorkerSettings, stores: Stores
) -> None:
    seen: list[Progress] = []

    def interrupt(progress: Progress) -> None:
        seen.append(progress)
        if progress.events == 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(client, database, "statement", settings=settings, progress=interrupt)
    assert [moment.events for moment in seen] == [25, 50]
    assert stores.views.query("SELECT * FROM c WHERE STARTSWITH(c.pk, 'statement@2:')") == []
    with pytest.raises(KeyboardInterrupt):
        rebuild(client, database, "statement", RebuildOptions(flush=0.0), settings=settings, progress=interrupt)
    again: list[Progress] = []
    rebuilt = rebuild(client, database, "statement", settings=settings, progress=again.append)
    assert {moment.before for moment in again} == {50}
    assert rebuilt.progress.events == 72
    assert rebuilt.rate == 22 / rebuilt.built_seconds


def test_what_keeps_failing_ends_a_rebuild_and_is_named(
    client: CosmosClient, database: str, settings: WorkerSettings, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["replay.rebuild"], "PATIENCE", 0.05)
    with monkeypatch.context() as broken:
        broken.setattr(StreamProjector, "handle", lambda *_: 1 / 0)
        with pytest.raises(NotCaughtUp, match="statement has not caught up: division by zero"):
            rebuild(client, database, "statement", settings=settings)
    assert stores.registry.of("statement").serving == 1
    assert rebuild(client, database, "statement", settings=settings).generation == 2


def test_an_interrupted_rebuild_leaves_what_serves_alone(
    client: CosmosClient, database: str, settings: WorkerSettings, stores: Stores
) -> None:
    def interrupt(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(client, database, "statement", settings=settings, progress=interrupt)
    reader = ViewReader(client, database)
    assert reader.page("statement", "account-acc0", after=Position("account-acc0", 2)).freshness.generation == 1
    assert rebuild(client, database, "statement", settings=settings).generation == 2


def test_an_unreachable_store_is_told_as_such(
    client: CosmosClient, database: str, settings: WorkerSettings, cosmos: LocalCosmos
) -> None:
    cosmos.faults.add(reset=True, container="views")
    with pytest.raises(Unavailable):
        rebuild(client, database, "statement", settings=settings)
