"""A forecast says before what a rebuild comes to, and changes nothing."""

import pytest
from azure.cosmos import CosmosClient

from localazure.cosmos import LocalCosmos
from projectors.database import Database
from projectors.errors import PoisonEvent
from projectors.ledger import VIEWS
from projectors.ledger.views.statement import Statement
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from projectors.throughput.limiter import RateLimiter
from replay.rebuild.forecast import forecast
from replay.rebuild.progress import RebuildOptions
from replay.rebuild.rebuild import rebuild
from tests.replay.replaying import History


@pytest.mark.parametrize("view", ["account-summary", "statement", "ledger-totals", "active-holds", "transfer-status"])
def test_a_forecast_comes_true(
    served: Worker,
    history: History,
    client: CosmosClient,
    database: str,
    settings: WorkerSettings,
    stores: Database,
    view: str,
) -> None:
    history.write(300)
    served.run_until_idle(30)
    expected = forecast(stores, VIEWS[view], price=2.0)
    rebuilt = rebuild(client, database, VIEWS[view], settings=settings.model_copy(update={"page": 1000}))
    assert (expected.serves, expected.builds) == (rebuilt.before, rebuilt.generation)
    assert expected.events == rebuilt.progress.events == 372
    assert expected.items == rebuilt.comparison.items
    assert expected.request_units == pytest.approx(rebuilt.progress.request_units, rel=0.3)
    assert expected.money == pytest.approx(expected.request_units * 2 / 1_000_000)
    assert 0 < expected.seconds < 10


def test_a_forecast_writes_nothing(served: Worker, stores: Database, cosmos: LocalCosmos) -> None:
    cosmos.log.clear()
    for view in VIEWS.values():
        forecast(stores, view)
    written = {verb: cosmos.log.count(verb) for verb in ("create", "replace", "upsert", "patch", "batch", "delete")}
    assert sum(written.values()) == 0
    assert cosmos.log.count("query", container="views") > 0


def test_a_limit_of_request_units_stretches_the_time(served: Worker, stores: Database) -> None:
    expected = forecast(stores, VIEWS["statement"], RebuildOptions(allowance=RateLimiter(1)))
    assert expected.seconds == pytest.approx(expected.request_units)


def test_an_empty_log_is_forecast_as_nothing(stores: Database) -> None:
    expected = forecast(stores, VIEWS["statement"])
    assert (expected.events, expected.items, expected.writing) == (0, 0, 0)


def test_an_event_that_cannot_be_applied_shows_in_the_forecast(
    served: Worker, stores: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Statement, change: object, event: object) -> None:
        raise ValueError("no more")

    monkeypatch.setattr(Statement, "apply", refuse)
    with pytest.raises(PoisonEvent, match="no more"):
        forecast(stores, VIEWS["statement"])
