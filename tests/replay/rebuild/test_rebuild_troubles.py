"""What stops a rebuild is named, and nothing is lost by it."""

import sys

import pytest
from azure.cosmos import CosmosClient

from eventstore.log.position import Position
from localazure.cosmos import LocalCosmos
from projectors.database import Database
from projectors.errors import PoisonEvent, Unavailable
from projectors.ledger import VIEWS
from projectors.ledger.views.statement import Statement
from projectors.settings import WorkerSettings
from projectors.views.dead_letters import all_dead_letters
from projectors.views.reader import ViewReader
from projectors.views.streams.projector import StreamProjector
from replay.errors import NotCaughtUp
from replay.rebuild.progress import Progress, RebuildOptions
from replay.rebuild.rebuild import rebuild

pytestmark = pytest.mark.usefixtures("served")


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
    client: CosmosClient, database: str, settings: WorkerSettings, stores: Database, poisoned: list[bool]
) -> None:
    with pytest.raises(PoisonEvent, match=r"statement cannot apply account-acc\d version 4 \(account\.[a-z-]+\)"):
        rebuild(client, database, VIEWS["statement"], settings=settings)
    assert (stores.registry.of("statement").serving, stores.registry.of("statement").building.generation) == (1, 2)
    poisoned[0] = False
    assert rebuild(client, database, VIEWS["statement"], settings=settings).generation == 2


def test_a_generation_with_parked_streams_does_not_replace_one_without(
    client: CosmosClient, database: str, settings: WorkerSettings, stores: Database, poisoned: list[bool]
) -> None:
    parking = RebuildOptions(park=True, accept_changes=True)
    with pytest.raises(Exception, match="parked streams that the serving one has not"):
        rebuild(client, database, VIEWS["statement"], parking, settings=settings)
    assert len(all_dead_letters(stores.views, "statement", 2)) == 6
    assert stores.registry.of("statement").serving == 1


def test_progress_counts_up_to_the_whole_log(client: CosmosClient, database: str, settings: WorkerSettings) -> None:
    seen: list[Progress] = []
    rebuilt = rebuild(client, database, VIEWS["account-summary"], settings=settings, progress=seen.append)
    assert [moment.events for moment in seen] == sorted(moment.events for moment in seen)
    assert rebuilt.progress.events == rebuilt.progress.total == 72
    assert seen[0].eta is None or seen[0].events > 0
    assert rebuilt.progress.request_units > 0


def test_progress_moves_before_anything_is_stored_and_its_rate_is_that_of_this_attempt(
    client: CosmosClient, database: str, settings: WorkerSettings, stores: Database
) -> None:
    seen: list[Progress] = []

    def interrupt(progress: Progress) -> None:
        seen.append(progress)
        if progress.events == 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(client, database, VIEWS["statement"], settings=settings, progress=interrupt)
    assert [moment.events for moment in seen] == [25, 50]
    assert stores.views.query("SELECT * FROM c WHERE STARTSWITH(c.pk, 'statement@2:')") == []
    with pytest.raises(KeyboardInterrupt):
        rebuild(client, database, VIEWS["statement"], RebuildOptions(flush=0.0), settings=settings, progress=interrupt)
    again: list[Progress] = []
    rebuilt = rebuild(client, database, VIEWS["statement"], settings=settings, progress=again.append)
    assert {moment.before for moment in again} == {50}
    assert rebuilt.progress.events == 72
    assert rebuilt.rate == 22 / rebuilt.built_seconds


def test_what_keeps_failing_ends_a_rebuild_and_is_named(
    client: CosmosClient, database: str, settings: WorkerSettings, stores: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["replay.rebuild.rebuild"], "PATIENCE", 0.05)
    with monkeypatch.context() as broken:
        broken.setattr(StreamProjector, "handle", lambda *_: 1 / 0)
        with pytest.raises(NotCaughtUp, match="statement has not caught up: division by zero"):
            rebuild(client, database, VIEWS["statement"], settings=settings)
    assert stores.registry.of("statement").serving == 1
    assert rebuild(client, database, VIEWS["statement"], settings=settings).generation == 2


def test_an_interrupted_rebuild_leaves_what_serves_alone(
    client: CosmosClient, database: str, settings: WorkerSettings, stores: Database
) -> None:
    def interrupt(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(client, database, VIEWS["statement"], settings=settings, progress=interrupt)
    reader = ViewReader(client, database, VIEWS)
    assert reader.page("statement", "account-acc0", after=Position("account-acc0", 2)).freshness.generation == 1
    assert rebuild(client, database, VIEWS["statement"], settings=settings).generation == 2


def test_an_unreachable_store_is_told_as_such(
    client: CosmosClient, database: str, settings: WorkerSettings, cosmos: LocalCosmos
) -> None:
    cosmos.faults.add(reset=True, container="views")
    with pytest.raises(Unavailable):
        rebuild(client, database, VIEWS["statement"], settings=settings)
