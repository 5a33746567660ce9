"""Rebuilding: beside what serves, resumable anywhere, switched only when right."""

import socket
import subprocess
import threading
import time

import pytest
from azure.cosmos import CosmosClient

from domain.ledger.account import Account
from localazure.cosmos import LocalCosmos, RequestInfo
from projectors.database import Database
from projectors.errors import RebuildRunning
from projectors.ledger import VIEWS
from projectors.ledger.views.account_summary import AccountSummary
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from projectors.views.reader import ViewReader
from projectors.views.streams.view import Change
from replay.errors import Differences
from replay.lock import builder_partition
from replay.rebuild.progress import Progress, RebuildOptions
from replay.rebuild.rebuild import rebuild
from replay.verify import verify
from tests.replay.replaying import NOON, History

pytestmark = pytest.mark.usefixtures("served")


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_a_rebuild_gives_item_by_item_what_was_there_before(
    client: CosmosClient, database: str, settings: WorkerSettings, stores: Database, view: str
) -> None:
    rebuilt = rebuild(client, database, VIEWS[view], settings=settings)
    assert (rebuilt.before, rebuilt.generation, rebuilt.switched) == (1, 2, True)
    assert rebuilt.comparison.left == rebuilt.comparison.right
    assert rebuilt.comparison.agrees
    assert stores.registry.of(view).serving == 2
    assert verify(stores, VIEWS[view]).right
    if view != "transfer-status":
        assert rebuilt.comparison.streams > 0


def test_a_rebuild_writes_each_item_once_however_many_events_it_has(
    client: CosmosClient, database: str, settings: WorkerSettings, cosmos: LocalCosmos
) -> None:
    cosmos.log.clear()
    rebuilt = rebuild(client, database, VIEWS["account-summary"], settings=settings)
    assert rebuilt.comparison.streams == 6
    assert cosmos.log.count("batch", container="views") <= 6
    assert cosmos.log.count("batch", container="events") == 0


def test_pages_that_end_early_do_not_end_a_rebuild_early_nor_cost_a_write_each(
    client: CosmosClient, database: str, stores: Database, settings: WorkerSettings, cosmos: LocalCosmos
) -> None:
    account = Account.open("pairs", asset="EUR/2", owner="olga", at=NOON)
    log = History(client.get_database_client(database).get_container_client("events"), accounts=0)
    for _ in range(30):
        account.deposit(2, at=NOON)
        account.withdraw(1, at=NOON)
        log.save(account)
    Worker(client, database, settings=settings, views=VIEWS.values()).run_until_idle(30)
    events = stores.feed.count()
    cosmos.log.clear()
    rebuilt = rebuild(client, database, VIEWS["account-summary"], settings=settings.model_copy(update={"page": 7}))
    assert rebuilt.progress.events == events
    assert cosmos.log.count("query", container="events") == 0
    assert cosmos.log.count("batch", container="views") <= 7


def test_workers_take_the_new_generation_over_and_keep_the_old_one_for_an_undo(
    client: CosmosClient, database: str, settings: WorkerSettings, stores: Database, history: History, served: Worker
) -> None:
    rebuild(client, database, VIEWS["statement"], settings=settings)
    history.write(20)
    served.run_until_idle(30)
    assert verify(stores, VIEWS["statement"], settle=0).right
    assert verify(stores, VIEWS["statement"], generation=1, settle=0).right


def test_no_reader_fails_or_goes_back_while_everything_is_rebuilt_under_load(
    client: CosmosClient,
    database: str,
    settings: WorkerSettings,
    stores: Database,
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
        reader = ViewReader(client, database, VIEWS, follow_seconds=0.1)
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

    worker = Worker(client, database, settings=settings, views=VIEWS.values())
    jobs = [write, read, lambda: worker.run(stop)]
    threads = [threading.Thread(target=guarded, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    cosmos.faults.add(status=429, retry_after_ms=2, probability=0.05, seed=1, container="views")
    cosmos.faults.add(status=429, retry_after_ms=2, probability=0.05, seed=2, container="leases")
    try:
        for view in ("statement", "account-summary", "ledger-totals"):
            cosmos.split(database, "events") if view != "ledger-totals" else None
            assert rebuild(client, database, VIEWS[view], settings=settings).comparison.agrees
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
        cosmos.faults.clear()
    assert trouble == []
    Worker(client, database, settings=settings, clock=lambda: time.time() + 1000, views=VIEWS.values()).run_until_idle(
        30
    )
    for view in ("statement", "account-summary", "ledger-totals", "active-holds"):
        assert verify(stores, VIEWS[view], settle=0).right


class Killed(BaseException):
    """The process is gone."""


def test_a_rebuild_killed_at_any_moment_goes_on_and_ends_with_the_same_digest(
    client: CosmosClient, database: str, settings: WorkerSettings, cosmos: LocalCosmos, stores: Database
) -> None:
    small = settings.model_copy(update={"page": 20})
    options = RebuildOptions(flush=0.0)
    expected = rebuild(client, database, VIEWS["statement"], options, settings=small).comparison.right
    for fatal in range(1, 200, 9):
        sent = 0

        def kill(info: RequestInfo, phase: str, fatal: int = fatal) -> None:
            nonlocal sent
            if not info.is_sdks_own:
                sent += phase == "before"
                if sent >= fatal:
                    raise Killed

        remove = cosmos.faults.on_request(kill)
        try:
            rebuild(client, database, VIEWS["statement"], options, settings=small)
        except Killed:
            remove()
            _expire(stores)
            found = rebuild(client, database, VIEWS["statement"], options, settings=small)
            assert found.comparison.right == expected
        else:
            remove()
            break
    assert sent > 20
    assert verify(stores, VIEWS["statement"]).right


def _expire(stores: Database) -> None:
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
                rebuild(client, database, VIEWS["statement"], settings=settings)
            second.append(refused.value)

    assert rebuild(client, database, VIEWS["statement"], settings=settings, progress=start_another).switched
    assert len(second) == 1


def test_a_rebuild_whose_process_is_gone_is_taken_up_at_once(
    client: CosmosClient, database: str, settings: WorkerSettings, stores: Database
) -> None:
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    stores.registry.build("statement", by=f"{socket.gethostname()}:{gone.pid}", at="2026-11-23T12:00:00+00:00")
    stores.leases.establish("statement@2", stores.feed.ranges(), stores.feed.rid())
    for lease in stores.leases.of("statement@2"):
        stores.leases.take(lease, "the process that is gone")
    rebuilt = rebuild(client, database, VIEWS["statement"], settings=settings)
    assert (rebuilt.generation, rebuilt.comparison.agrees) == (2, True)


def test_a_rebuild_on_another_machine_is_waited_for_until_its_leases_expire(
    client: CosmosClient, database: str, settings: WorkerSettings, stores: Database
) -> None:
    stores.registry.build("statement", by="elsewhere:1", at="2026-11-23T12:00:00+00:00")
    stores.leases.establish("statement@2", stores.feed.ranges(), stores.feed.rid())
    (lease,) = stores.leases.of("statement@2")
    taken = stores.leases.take(lease, "elsewhere")
    with pytest.raises(RebuildRunning, match="by elsewhere:1"):
        rebuild(client, database, VIEWS["statement"], settings=settings)
    stores.leases.release(taken)
    assert rebuild(client, database, VIEWS["statement"], settings=settings).generation == 2


def test_without_a_switch_the_new_generation_is_kept_up_to_date_and_does_not_serve(
    client: CosmosClient, database: str, settings: WorkerSettings, stores: Database, history: History, served: Worker
) -> None:
    rebuilt = rebuild(client, database, VIEWS["statement"], RebuildOptions(switch=False), settings=settings)
    assert not rebuilt.switched
    assert stores.registry.of("statement").serving == 1
    history.write(10)
    served.run_until_idle(30)
    assert verify(stores, VIEWS["statement"], generation=2, settle=0).right


def test_a_view_that_has_changed_is_not_switched_unless_that_is_accepted(
    client: CosmosClient, database: str, settings: WorkerSettings, stores: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = AccountSummary.opened

    def with_more(self: AccountSummary, change: Change, event: Account.Opened) -> None:
        opened(self, change, event)
        change.state["new"] = True

    monkeypatch.setattr(AccountSummary, "opened", with_more)
    with pytest.raises(Differences, match="--accept-changes"):
        rebuild(client, database, VIEWS["account-summary"], settings=settings)
    assert stores.registry.of("account-summary").serving == 1
    accepted = rebuild(
        client, database, VIEWS["account-summary"], RebuildOptions(accept_changes=True), settings=settings
    )
    assert (accepted.generation, accepted.switched, accepted.comparison.agrees) == (2, True, False)
