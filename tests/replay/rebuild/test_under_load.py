"""Verifying, comparing and switching while commands go on: nothing has to hold still, and no reader goes back."""

import random
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.cosmos import CosmosClient

from localazure.cosmos import LocalCosmos, RequestInfo
from projectors.database import Database
from projectors.generations.registry import Generations, Registry
from projectors.ledger import VIEWS
from projectors.ledger.views.ledger_totals import LedgerTotals
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from projectors.views.dead_letters import all_dead_letters, dead_letters_of
from projectors.views.reader import ViewReader
from replay.contents.compare import Comparison, compare
from replay.rebuild.handover import switch_to
from replay.rebuild.progress import Phase, Progress
from replay.rebuild.rebuild import rebuild
from replay.verify import verify
from tests.replay.replaying import History

SUMS = ("ledger-totals", "owner-accounts")
AT = datetime(2026, 11, 23, tzinfo=UTC)


class Meanwhile:
    """Does something before each query of the views, which none of its own requests brings about again."""

    def __init__(self, cosmos: LocalCosmos) -> None:
        self.work: Callable[[], None] | None = None
        self.times = 0
        self._inside = False
        self.remove = cosmos.faults.on_request(self._request)

    def _request(self, info: RequestInfo, phase: str) -> None:
        if self.work is None or self._inside or phase != "before":
            return
        if info.container != "views" or info.operation != "query":
            return
        self._inside = True
        try:
            self.work()
            self.times += 1
        finally:
            self._inside = False


@pytest.fixture
def sums(client: CosmosClient, database: str, settings: WorkerSettings, served: Worker) -> Worker:
    """A worker on the views over many streams."""
    return Worker(client, database, only=SUMS, settings=settings, views=VIEWS.values())


@pytest.fixture
def meanwhile(cosmos: LocalCosmos, served: Worker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Meanwhile]:
    """Rows come in pages of two, so much happens between them."""
    module = sys.modules["replay.contents.sums"]
    monkeypatch.setattr(
        module, "_SUMS", getattr(module, "_SUMS", "TOP 5000").replace("TOP 5000", "TOP 2"), raising=False
    )
    found = Meanwhile(cosmos)
    yield found
    found.remove()


def commands(history: History, sums: Worker) -> Callable[[], None]:
    """An account opened, and one moved, as far as the views."""

    def go_on() -> None:
        history.open()
        history.write(1)
        sums.run_until_idle(30)

    return go_on


@pytest.mark.parametrize("view", SUMS)
def test_sums_are_verified_though_they_change_before_every_read(
    sums: Worker, stores: Database, history: History, meanwhile: Meanwhile, view: str
) -> None:
    meanwhile.work = commands(history, sums)
    verified = verify(stores, VIEWS[view], settle=0)
    assert meanwhile.times >= 3
    assert verified.different == []
    assert verified.log == verified.stored


@pytest.mark.parametrize("view", SUMS)
def test_what_is_falsified_is_found_though_sums_change_before_every_read(
    sums: Worker, stores: Database, history: History, meanwhile: Meanwhile, view: str
) -> None:
    (row, *_) = stores.views.query("SELECT * FROM c WHERE IS_DEFINED(c.key)", f"{view}@1:all")
    name = next(iter(row["sums"]))
    stores.views.replace(row | {"sums": row["sums"] | {name: row["sums"][name] + 1}}, row["_etag"])
    meanwhile.work = commands(history, sums)
    assert [found.name for found in verify(stores, VIEWS[view], settle=0).different] == [row["key"]]


@pytest.mark.parametrize("view", SUMS)
def test_a_rebuild_of_sums_ends_though_they_change_before_every_read(
    client: CosmosClient,
    database: str,
    settings: WorkerSettings,
    sums: Worker,
    history: History,
    meanwhile: Meanwhile,
    view: str,
) -> None:
    def progress(moment: Progress) -> None:
        meanwhile.work = commands(history, sums) if moment.phase == Phase.COMPARING else None

    rebuilt = rebuild(client, database, VIEWS[view], settings=settings, progress=progress)
    assert meanwhile.times >= 3
    assert (rebuilt.comparison.agrees, rebuilt.switched, rebuilt.lag) == (True, True, 0)


@pytest.mark.parametrize("seed", range(5))
def test_sums_are_verified_whatever_happens_to_them_meanwhile(
    sums: Worker,
    stores: Database,
    history: History,
    meanwhile: Meanwhile,
    cosmos: LocalCosmos,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    """Streams are parked, retried with and without success, dropped, and the partition splits."""
    chance, broken = random.Random(seed), [False]
    apply = LedgerTotals.apply

    def refuse(self: LedgerTotals, added: Any, event: Any) -> None:
        if broken[0] and getattr(event, "amount", 0) % 5 == 3:
            raise ValueError("three")
        apply(self, added, event)

    monkeypatch.setattr(LedgerTotals, "apply", refuse)
    drain = dead_letters_of(VIEWS["ledger-totals"], 1, views=stores.views, history=stores.history, mapper=stores.mapper)

    def one_of_many() -> None:
        waiting = all_dead_letters(stores.views, "ledger-totals", 1)[:1] if meanwhile.times < 30 else []
        what = chance.randrange(12)
        broken[0] = what % 2 == 0
        if what == 0 and meanwhile.times < 30:
            cosmos.split(database, "events")
        for parked in waiting:
            if what in (1, 2, 3):
                drain.retry(parked.stream)
            elif what == 4:
                drain.drop(parked.stream, parked.version + 1, by="olga", at=AT)
        history.write(2)
        sums.run_until_idle(30)
        broken[0] = False

    meanwhile.work = one_of_many
    verified = verify(stores, VIEWS["ledger-totals"], settle=0)
    assert verified.different == []
    meanwhile.work = None
    for parked in all_dead_letters(stores.views, "ledger-totals", 1):
        assert drain.retry(parked.stream) is None
    sums.run_until_idle(30)
    assert verify(stores, VIEWS["ledger-totals"], settle=0).right


class Switched:
    """What readers find at the moment of a switch and after it; three commands come in between, and nobody works."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, client: CosmosClient, database: str, history: History) -> None:
        self._client, self._database, self._history = client, database, history
        self.behind: list[int] = []
        switch = Registry.switch

        def watched(registry: Registry, view: str, generation: int, *, at: str) -> Generations:
            found = switch(registry, view, generation, at=at)
            self.behind.append(self.how_far_behind())
            history.write(3)
            return found

        monkeypatch.setattr(Registry, "switch", watched)

    def how_far_behind(self) -> int:
        """Of a reader that has seen nothing yet."""
        reader = ViewReader(self._client, self._database, VIEWS, follow_seconds=0.0)
        return sum(
            account.version - reader.get("account-summary", account.id).freshness.version
            for account in self._history.accounts
        )


@pytest.mark.usefixtures("served")
def test_a_comparison_however_long_does_not_make_the_switch_go_back(
    client: CosmosClient,
    database: str,
    settings: WorkerSettings,
    served: Worker,
    history: History,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The serving generation is worked in visits: between them nobody owns it, and nobody takes the new one over."""

    def slow(*sides: Any, **options: Any) -> Comparison:
        found = compare(*sides, **options)
        history.write(40)
        served.run_until_idle(30)
        return found

    monkeypatch.setattr(sys.modules["replay.rebuild.rebuild"], "compare", slow)
    switched = Switched(monkeypatch, client, database, history)
    rebuilt = rebuild(client, database, VIEWS["account-summary"], settings=settings)
    assert (switched.behind, switched.how_far_behind()) == ([0], 0)
    assert rebuilt.lag == 0


@pytest.mark.usefixtures("served")
def test_an_undo_does_not_go_back_either(
    client: CosmosClient,
    database: str,
    settings: WorkerSettings,
    stores: Database,
    history: History,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rebuild(client, database, VIEWS["account-summary"], settings=settings)
    history.write(5)
    switched = Switched(monkeypatch, client, database, history)
    assert switch_to(client, database, VIEWS["account-summary"], 1, settings=settings) == (2, 0)
    assert (switched.behind, switched.how_far_behind()) == ([0], 0)
