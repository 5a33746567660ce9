"""Rebuilding, abandoning, dropping and pruning, stopped before each request that they send and with each answer lost.

To die after one request is to die before the next, so these are all moments that there are: every third one here, every
single one with TIDEMARK_PROOF=full. The same call again must end with the same digest and leave nothing behind: no
item, position or number of a generation that is not in the registry.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import AzureError, ServiceResponseError
from azure.cosmos import CosmosClient

from localazure.cosmos import LocalCosmos, RequestInfo
from projectors.database import Database
from projectors.errors import ProjectionError
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from replay.generations import drop_generation
from replay.rebuild.progress import RebuildOptions
from replay.rebuild.rebuild import rebuild
from replay.retention import prune
from replay.verify import verify
from tests.replay.replaying import History

VIEW = "active-holds"
STEP = 1 if os.environ.get("TIDEMARK_PROOF") == "full" else 3
WRITES = frozenset(("create", "replace", "delete", "batch"))


class Stopped(BaseException):
    """The process is gone: no handler of the product sees this."""


class Case:
    """A small view, served, and everything that can be done to its generations."""

    def __init__(self, cosmos: LocalCosmos, client: CosmosClient, database: str) -> None:
        self.cosmos, self.client, self.database = cosmos, client, database
        self.stores = Database.open(client, database)
        self.settings = WorkerSettings(parallel=0, page=8, retry_min=0.001, lease=5)
        History(client.get_database_client(database).get_container_client("events"), 2).write(10)
        Worker(client, database, only=[VIEW], settings=self.settings, views=VIEWS.values()).run_until_idle(30)

    def rebuild(self, *, keep: timedelta | None = timedelta(), switch: bool = True) -> str:
        """The digest that it ended with; each page is flushed, so that there are many moments to stop at."""
        options = RebuildOptions(flush=0.0, keep=keep, switch=switch)
        return rebuild(self.client, self.database, VIEWS[VIEW], options, settings=self.settings).comparison.right

    def prune(self) -> None:
        prune(self.stores, VIEW, keep=timedelta(), now=datetime.now(UTC))

    def check_that_only(self, *generations: int) -> None:
        """Nothing of any other generation is stored."""
        known = self.stores.registry.of(VIEW)
        assert (known.all, known.building) == (list(generations), None)
        rows = self.stores.views.query("SELECT c.pk FROM c WHERE STARTSWITH(c.pk, @view)", view=f"{VIEW}@")
        consumers = {f"{VIEW}@{number}" for number in generations}
        assert {row["pk"].split(":")[0] for row in rows} == consumers
        assert {row["consumer"] for row in self._positions()} == consumers

    def _positions(self) -> list[dict[str, str]]:
        sql = "SELECT c.consumer FROM c WHERE STARTSWITH(c.consumer, @view)"
        return self.stores.leases._gateway.query(sql, view=f"{VIEW}@")

    def count(self, work: Callable[[], object], kinds: frozenset[str] | None = None) -> int:
        """How many requests the work sends when nothing stops it."""
        sent = 0

        def counting(info: RequestInfo, phase: str) -> None:
            nonlocal sent
            sent += phase == "before" and (info.operation in kinds if kinds else not info.is_sdks_own)

        with self._watched(counting):
            work()
        return sent

    def stop(self, work: Callable[[], object], fatal: int) -> None:
        """The work, up to a request that is never sent."""
        sent = 0

        def kill(info: RequestInfo, phase: str) -> None:
            nonlocal sent
            if not info.is_sdks_own:
                sent += phase == "before"
                if sent >= fatal:
                    raise Stopped

        with self._watched(kill), pytest.raises(Stopped):
            work()

    def lose(self, work: Callable[[], object], number: int) -> None:
        """The work, with the answer to one of its writes lost. It may say so and end, or go on by itself."""
        writes = 0

        def lose(info: RequestInfo, phase: str) -> None:
            nonlocal writes
            if phase == "after" and info.operation in WRITES:
                writes += 1
                if writes == number:
                    raise ServiceResponseError("the answer was lost")

        with self._watched(lose):
            try:
                work()
            except (ProjectionError, AzureError):
                assert writes >= number

    @contextmanager
    def _watched(self, callback: Callable[[RequestInfo, str], None]) -> Iterator[None]:
        remove = self.cosmos.faults.on_request(callback)
        try:
            yield
        finally:
            remove()


@pytest.fixture
def case(cosmos: LocalCosmos, client: CosmosClient, database: str, monkeypatch: pytest.MonkeyPatch) -> Case:
    """Every process that had hold of something is gone, as far as the next one can see."""
    for module in ("lock", "rebuild.rebuild", "generations"):
        monkeypatch.setattr(sys.modules[f"replay.{module}"], "is_gone", lambda _: True)
    return Case(cosmos, client, database)


def test_a_rebuild_stopped_anywhere_ends_with_the_same_digest_and_leaves_nothing(case: Case) -> None:
    expected = case.rebuild()
    total = case.count(case.rebuild)
    assert total > 40
    for fatal in range(1, total + 1, STEP):
        case.stop(case.rebuild, fatal)
        assert case.rebuild() == expected
        case.check_that_only(case.stores.registry.of(VIEW).serving)
    assert verify(case.stores, VIEWS[VIEW], settle=0).right


def test_a_rebuild_that_loses_any_answer_ends_with_the_same_digest_and_leaves_nothing(case: Case) -> None:
    expected = case.rebuild()
    for number in range(1, case.count(case.rebuild, WRITES) + 1, STEP):
        case.lose(case.rebuild, number)
        assert case.rebuild() == expected
        case.check_that_only(case.stores.registry.of(VIEW).serving)
    assert verify(case.stores, VIEWS[VIEW], settle=0).right


def test_a_rebuild_that_loses_the_answer_to_a_query_while_it_compares_goes_on(case: Case) -> None:
    expected = case.rebuild()
    lost = 0

    def lose(info: RequestInfo, phase: str) -> None:
        nonlocal lost
        if (phase, info.operation, info.container) == ("after", "query", "views") and b"c.pk, @prefix" in info.body:
            lost += 1
            if lost == 1:
                raise ServiceResponseError("the answer was lost")

    with case._watched(lose):
        assert case.rebuild() == expected
    assert lost > 1


def test_a_rebuild_without_a_switch_stopped_anywhere_is_kept_once(case: Case) -> None:
    def build() -> str:
        return case.rebuild(switch=False)

    expected, total = build(), case.count(build)
    drop_generation(case.stores, VIEW, 2)
    drop_generation(case.stores, VIEW, 3)
    for fatal in range(1, total + 1, STEP):
        case.stop(build, fatal)
        assert build() == expected
        case.lose(build, fatal)
        known = case.stores.registry.of(VIEW)
        assert (known.serving, known.building) == (1, None)
        for number in known.kept:
            drop_generation(case.stores, VIEW, number)
        case.check_that_only(1)


def test_what_is_abandoned_or_dropped_or_pruned_is_gone_however_often_that_is_stopped(case: Case) -> None:
    half, served = case.count(case.rebuild) // 2, [1]

    def abandon() -> None:
        building = case.stores.registry.of(VIEW).building
        if building is not None:
            drop_generation(case.stores, VIEW, building.generation)

    def drop() -> None:
        drop_generation(case.stores, VIEW, served[-1])

    def half_built() -> None:
        case.stop(case.rebuild, half)

    def rebuilt() -> None:
        served.append(case.stores.registry.of(VIEW).serving)
        case.rebuild(keep=None)

    for prepare, work, again in (
        (half_built, abandon, case.prune),
        (rebuilt, drop, drop),
        (rebuilt, case.prune, case.prune),
    ):
        prepare()
        total = case.count(work)
        for fatal in range(1, total + 1, STEP):
            prepare()
            case.stop(work, fatal)
            work()
            again()
            case.check_that_only(case.stores.registry.of(VIEW).serving)
