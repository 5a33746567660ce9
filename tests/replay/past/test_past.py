"""A view of the past: what the view was at that moment, under a name of its own, whatever happens meanwhile."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from azure.cosmos import CosmosClient

from eventstore.log.position import encode
from localazure.cosmos import LocalCosmos, RequestInfo
from projectors.database import Database
from projectors.errors import RebuildRunning
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from projectors.views.reader import ViewReader
from replay.contents.hashing import digest_of
from replay.contents.stored import stored_contents
from replay.errors import NoSuchMoment, NoSuchPast
from replay.lock import RebuildLock, builder_partition
from replay.past.build import build_past, drop_past, read_past
from replay.past.catalog import PastViews
from replay.rebuild.progress import RebuildOptions
from tests.replay.replaying import History


def pause() -> str:
    """A moment that is later than all before it, and earlier than all after it."""
    time.sleep(0.005)
    moment = datetime.now(UTC).isoformat()
    time.sleep(0.005)
    return moment


def digest(stores: Database, view: str) -> str:
    return digest_of(stored_contents(stores, VIEWS[view], 1).all())


@pytest.mark.parametrize("view", ["account-summary", "statement", "ledger-totals", "active-holds"])
def test_a_view_of_the_past_is_what_the_view_was_then(
    served: Worker,
    client: CosmosClient,
    database: str,
    settings: WorkerSettings,
    stores: Database,
    history: History,
    view: str,
) -> None:
    then, moment = digest(stores, view), pause()
    history.write(40)
    served.run_until_idle(30)
    past = build_past(client, database, VIEWS[view], moment, settings=settings)
    assert past.built is not None
    assert (past.built.digest, digest(stores, view) != then) == (then, True)
    assert stores.registry.of(view).all == [1]


def test_a_view_of_the_past_serves_nobody_and_is_read_by_its_name(
    served: Worker, client: CosmosClient, database: str, settings: WorkerSettings, stores: Database, history: History
) -> None:
    before, moment = ViewReader(client, database, VIEWS).get("account-summary", "account-acc1").data, pause()
    history.write(40)
    served.run_until_idle(30)
    name = build_past(client, database, VIEWS["account-summary"], moment, settings=settings).name
    (row,) = read_past(stores, VIEWS, name, "account-acc1")
    assert row["state"] == before
    assert len(list(read_past(stores, VIEWS, name))) == 6
    now = ViewReader(client, database, VIEWS).get("account-summary", "account-acc1")
    assert (now.freshness.generation, now.data != before) == (1, True)
    totals = build_past(client, database, VIEWS["ledger-totals"], moment, settings=settings)
    assert [row["key"] for row in read_past(stores, VIEWS, totals.name)] == ["EUR-2:2026-11-23"]
    assert list(read_past(stores, VIEWS, totals.name, "nothing")) == []


def test_a_position_ends_its_stream_exactly_there(
    served: Worker, client: CosmosClient, database: str, settings: WorkerSettings, stores: Database, history: History
) -> None:
    version = 5
    past = build_past(client, database, VIEWS["statement"], encode("account-acc1", version), settings=settings)
    versions = [row["version"] for row in read_past(stores, VIEWS, past.name, "account-acc1") if "state" in row]
    assert versions == [version]


def test_partition_splits_and_kills_in_between_change_nothing(
    served: Worker,
    client: CosmosClient,
    database: str,
    settings: WorkerSettings,
    stores: Database,
    history: History,
    cosmos: LocalCosmos,
) -> None:
    then, moment = digest(stores, "statement"), pause()
    history.write(40)
    small, options = settings.model_copy(update={"page": 10}), RebuildOptions(flush=0.0)
    for number, fatal in enumerate((8, 8, 8)):
        sent = 0

        def kill(info: RequestInfo, phase: str, fatal: int = fatal) -> None:
            nonlocal sent
            sent += phase == "before" and info.container == "views"
            if sent >= fatal:
                raise SystemExit

        remove = cosmos.faults.on_request(kill)
        with pytest.raises(SystemExit):
            build_past(client, database, VIEWS["statement"], moment, options, settings=small)
        remove()
        (past,) = PastViews(stores.views).all()
        assert past.built is None
        stores.leases.forget(builder_partition(past.name))
        if number < 2:
            cosmos.split(database, "events")
            history.write(10)
    finished = build_past(client, database, VIEWS["statement"], moment, options, settings=small)
    assert finished.built is not None
    assert finished.built.digest == then
    assert build_past(client, database, VIEWS["statement"], moment, settings=small) == finished


def test_reading_stops_at_the_moment_however_long_the_log_has_become(
    served: Worker,
    client: CosmosClient,
    database: str,
    settings: WorkerSettings,
    history: History,
    cosmos: LocalCosmos,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("replay.past.point_in_time._SKEW", timedelta())
    moment = pause()
    history.write(400)
    cosmos.log.clear()
    build_past(client, database, VIEWS["statement"], moment, settings=settings)
    reads = cosmos.log.count("changefeed", container="events")
    assert 0 < reads < 25


def test_two_builds_of_one_view_of_the_past_are_refused_by_name(
    served: Worker, client: CosmosClient, database: str, settings: WorkerSettings, stores: Database
) -> None:
    moment = pause()
    name = f"statement.{datetime.fromisoformat(moment):%Y%m%dT%H%M%S.%f}".rstrip("0") + "Z"
    with (
        RebuildLock(client, database, name, at=moment),
        pytest.raises(RebuildRunning, match=f"{name} is being rebuilt by"),
    ):
        build_past(client, database, VIEWS["statement"], moment, settings=settings)


def test_a_dropped_view_of_the_past_leaves_nothing_behind(
    served: Worker, client: CosmosClient, database: str, settings: WorkerSettings, stores: Database
) -> None:
    name = build_past(client, database, VIEWS["statement"], pause(), settings=settings).name
    assert drop_past(stores, name) > 0
    assert stores.views.query("SELECT * FROM c WHERE STARTSWITH(c.pk, @name)", name=name) == []
    assert not any(consumer.startswith(name) for consumer in stores.leases.consumers())
    with pytest.raises(NoSuchPast, match="there is none"):
        drop_past(stores, name)


@pytest.mark.parametrize(
    ("until", "says"),
    [
        ("yesterday", "neither a time such as"),
        ("2999-01-01", "still to come"),
        (encode("account-nobody", 3), "account-nobody has no version 3"),
    ],
)
def test_a_moment_that_never_was_is_refused(
    client: CosmosClient, database: str, settings: WorkerSettings, until: str, says: str
) -> None:
    with pytest.raises(NoSuchMoment, match=says):
        build_past(client, database, VIEWS["statement"], until, settings=settings)


def test_a_moment_before_the_first_event_gives_an_empty_view(
    served: Worker, client: CosmosClient, database: str, settings: WorkerSettings, stores: Database
) -> None:
    past = build_past(client, database, VIEWS["account-summary"], "2020-01-01T00:00:00Z", settings=settings)
    assert past.name == "account-summary.20200101T000000Z"
    assert past.built is not None
    assert (past.built.streams, list(read_past(stores, VIEWS, past.name))) == (0, [])
