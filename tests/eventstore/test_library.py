"""The eventsourcing library's own tests, run on Cosmos DB.

What is left out is what Cosmos DB has no transaction or no order for; docs/event-store.md has the reasons, and
the last test of this module shows that it is refused, and not half done.
"""

import os
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from azure.core.pipeline.transport import HttpTransport
from eventsourcing.persistence import ProcessRecorder, StoredEvent, Tracking, TrackingRecorder
from eventsourcing.tests import application as library_application
from eventsourcing.tests import persistence as library
from eventsourcing.tests import projection as library_projection
from eventsourcing.utils import Environment

from eventstore import Factory
from eventstore.errors import NotSupported
from eventstore.library.recorder import CosmosAggregateRecorder, CosmosApplicationRecorder
from eventstore.library.snapshot_recorder import CosmosSnapshotRecorder
from eventstore.library.tracking import CosmosProcessRecorder, CosmosTrackingRecorder
from localazure.cosmos import LocalCosmos


class InProcessFactory(Factory):
    """The factory itself, its requests handed to the local server without a socket."""

    cosmos: ClassVar[LocalCosmos]

    def transport(self) -> HttpTransport[Any, Any]:
        return self.cosmos.transport()


@pytest.fixture(autouse=True)
def _environment(cosmos: LocalCosmos, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test of this module has an empty store of its own."""
    monkeypatch.setattr(InProcessFactory, "cosmos", cosmos, raising=False)
    monkeypatch.setenv("PERSISTENCE_MODULE", f"{__name__}:{InProcessFactory.__name__}")
    monkeypatch.setenv("COSMOS_ENDPOINT", cosmos.endpoint)
    monkeypatch.setenv("COSMOS_KEY", cosmos.key)
    monkeypatch.setenv("CREATE_TABLE", "y")


class TestAggregateRecorder(library.AggregateRecorderTestCase):
    def create_recorder(self) -> CosmosAggregateRecorder:
        recorder = InProcessFactory(_env()).aggregate_recorder()
        assert isinstance(recorder, CosmosAggregateRecorder)
        return recorder


class TestSnapshotRecorder(library.AggregateRecorderTestCase):
    def create_recorder(self) -> CosmosSnapshotRecorder:
        recorder = InProcessFactory(_env()).aggregate_recorder("snapshots")
        assert isinstance(recorder, CosmosSnapshotRecorder)
        return recorder


class TestApplicationRecorder(library.ApplicationRecorderTestCase[CosmosApplicationRecorder]):
    test_insert_select = None  # type: ignore[assignment]
    test_concurrent_no_conflicts = None  # type: ignore[assignment]

    def create_recorder(self) -> CosmosApplicationRecorder:
        recorder = InProcessFactory(_env()).application_recorder()
        assert isinstance(recorder, CosmosApplicationRecorder)
        return recorder


class TestTrackingRecorder(library.TrackingRecorderTestCase):
    def create_recorder(self) -> TrackingRecorder:
        return InProcessFactory(_env()).tracking_recorder()


class CustomTrackingRecorder(CosmosTrackingRecorder):
    pass


class TestInfrastructureFactory(library.InfrastructureFactoryTestCase[Factory]):
    def setUp(self) -> None:
        self.env = _env()
        super().setUp()

    def expected_factory_class(self) -> type[Factory]:
        return InProcessFactory

    def expected_aggregate_recorder_class(self) -> type[CosmosAggregateRecorder]:
        return CosmosAggregateRecorder

    def expected_application_recorder_class(self) -> type[CosmosApplicationRecorder]:
        return CosmosApplicationRecorder

    def expected_tracking_recorder_class(self) -> type[TrackingRecorder]:
        return CosmosTrackingRecorder

    def tracking_recorder_subclass(self) -> type[TrackingRecorder]:
        return CustomTrackingRecorder

    def expected_process_recorder_class(self) -> type[ProcessRecorder]:
        return CosmosProcessRecorder


class TestApplication(library_application.ApplicationTestCase):
    test_save_returns_recording_event = None  # type: ignore[assignment]
    test_application_with_cached_aggregates_not_fastforward = None  # type: ignore[assignment]


class CountersInCosmos(CosmosTrackingRecorder, library_projection.EventCountersView):
    """The library's example view, its counters beside its position."""

    def get_created_event_counter(self) -> int:
        return int(self.values("upstream").get("created", 0))

    def get_subsequent_event_counter(self) -> int:
        return int(self.values("upstream").get("subsequent", 0))

    def incr_created_event_counter(self, tracking: Tracking) -> None:
        self.update(tracking, lambda values: values.update(created=values.get("created", 0) + 1))

    def incr_subsequent_event_counter(self, tracking: Tracking) -> None:
        self.update(tracking, lambda values: values.update(subsequent=values.get("subsequent", 0) + 1))


class TestEventCountersView(library_projection.EventCountersViewTestCase):
    def construct_event_counters_view(self) -> library_projection.EventCountersView:
        view = InProcessFactory(_env()).tracking_recorder(CountersInCosmos)
        assert isinstance(view, CountersInCosmos)
        return view


def _stored(stream: str, version: int) -> StoredEvent:
    return StoredEvent(stream, version, "topic", b"state")


@pytest.mark.parametrize(
    "call",
    [
        lambda recorder: recorder.select_notifications(1, 10),
        lambda recorder: recorder.max_notification_id(),
        lambda recorder: recorder.subscribe(),
        lambda recorder: recorder.insert_events([_stored("a", 1), _stored("b", 1)]),
        lambda recorder: recorder.insert_events([_stored("a", 1)], tracking=Tracking("upstream", 1)),
    ],
    ids=["notifications", "last notification", "subscription", "two streams", "events with tracking"],
)
def test_what_cosmos_db_cannot_do_is_refused_and_names_the_alternative(
    call: Callable[[CosmosProcessRecorder], object],
) -> None:
    recorder = InProcessFactory(_env()).process_recorder()
    assert isinstance(recorder, CosmosProcessRecorder)
    with pytest.raises(NotSupported, match=r"change feed|command"):
        call(recorder)
    assert recorder.select_events("a") == []


def _env() -> Environment:
    return Environment("", dict(os.environ))
