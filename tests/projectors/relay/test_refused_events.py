"""Events that the hub takes in no form: one stream waits for them, the others go on, and nothing is silent."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.cosmos import ContainerProxy, CosmosClient
from azure.eventhub import EventData, EventDataBatch
from azure.eventhub._pyamqp.error import ErrorCondition, MessageException
from azure.eventhub.exceptions import EventDataSendError, EventHubError
from hypothesis import given
from hypothesis import strategies as st

from eventstore.cosmos.containers import EVENTS, create_containers
from eventstore.log.documents import RecordedEvent
from localazure.cosmos import LocalCosmos, RequestInfo
from projectors.database import Database
from projectors.errors import NotParked
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.relay import EventHubPublisher, RelayDrain, parked_streams, relay
from projectors.relay.parked import ParkedStreams
from projectors.relay.partition_key import LONGEST, partition_key
from projectors.relay.send import NeverTaken
from projectors.settings import WorkerSettings
from tests.projectors.relay.events import document, recorded
from tests.projectors.relay.test_relay import Arrived, body, versions

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Hub:
    """A publisher to the local hub that refuses, in every form, what it is told to refuse."""

    publisher: EventHubPublisher
    refused: set[tuple[str, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.publisher._forms = [self._refusing(form) for form in self.publisher._forms]

    def _refusing(self, form: Callable[[RecordedEvent], EventData]) -> Callable[[RecordedEvent], EventData]:
        def write(event: RecordedEvent) -> EventData:
            if (event.stream, event.version) in self.refused:
                raise NeverTaken("it is not liked")
            return form(event)

        return write


@pytest.fixture
def hub_(publisher: EventHubPublisher) -> Hub:
    return Hub(publisher)


@pytest.fixture
def stores(client: CosmosClient, database: str) -> Database:
    return Database.open(client, database)


@pytest.fixture
def parked(stores: Database) -> ParkedStreams:
    return parked_streams(stores.leases.gateway)


@pytest.fixture
def drain(stores: Database, parked: ParkedStreams, publisher: EventHubPublisher) -> RelayDrain:
    return RelayDrain(parked, stores.history, publisher)


@pytest.fixture
def events(client: CosmosClient, database: str) -> ContainerProxy:
    return client.get_database_client(database).get_container_client(EVENTS.name)


def relaying(client: CosmosClient, database: str, publisher: EventHubPublisher) -> Worker:
    leases = Database.open(client, database).leases.gateway
    return Worker(client, database, [relay(publisher, leases)], views=())


@given(stream=st.text(min_size=1, max_size=400, alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_partition_key_always_fits_and_is_the_name_where_that_fits(stream: str) -> None:
    key = partition_key(stream)
    assert len(key) <= LONGEST
    assert key == partition_key(stream)
    assert (key == stream) == (len(stream) <= LONGEST)


def test_long_names_that_begin_alike_have_different_keys() -> None:
    assert len({partition_key("a" * 200 + str(number)) for number in range(1000)}) == 1000


@pytest.mark.parametrize("length", [128, 129, 300])
def test_a_stream_with_a_long_name_is_relayed_under_its_whole_name(
    client: CosmosClient,
    database: str,
    publisher: EventHubPublisher,
    append: Callable[[str, int], None],
    arrived: Arrived,
    length: int,
) -> None:
    long = "account-".ljust(length, "k")
    for version in (1, 2):
        for stream in ("account-a", long, "account-b"):
            append(stream, version)
    assert relaying(client, database, publisher).run_until_idle(30).idle
    messages = arrived(6)
    assert len(messages) == 6, "something was sent again though nothing was lost"
    assert all(versions(messages, stream) == [1, 2] for stream in ("account-a", long, "account-b"))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"state": b'{"amount": nothing}'}, "recordedtime"),
        ({"recorded_at": "yesterday", "state": b"{}"}, "id"),
        ({"correlation": "c" * 1_100_000}, "id"),
    ],
    ids=["data that is no JSON", "a time that is none", "an envelope over the limit"],
)
def test_an_event_that_cannot_be_sent_whole_is_sent_by_reference(
    publisher: EventHubPublisher, arrived: Arrived, facts: dict[str, Any], expected: str
) -> None:
    publisher.publish([recorded("account-a", 1), recorded("account-a", 2, **facts), recorded("account-a", 3)])
    messages = arrived(3)
    assert versions(messages, "account-a") == [1, 2, 3]
    reference = body(messages[1])
    assert "data" not in reference
    assert reference["dataref"] == "/streams/account-a/events/2"
    assert expected in reference


def test_an_event_without_an_id_goes_by_its_hash(publisher: EventHubPublisher, arrived: Arrived) -> None:
    event = recorded("account-a", 1)
    del event.meta["id"]
    publisher.publish([event])
    assert body(arrived(1)[0])["id"] == event.hash


def test_a_stream_that_is_stopped_waits_and_the_others_go_on(
    client: CosmosClient,
    database: str,
    hub_: Hub,
    append: Callable[[str, int], None],
    arrived: Arrived,
    parked: ParkedStreams,
) -> None:
    hub_.refused.add(("account-b", 2))
    worker = relaying(client, database, hub_.publisher)
    for version in (1, 2):
        for stream in ("account-a", "account-b", "account-c"):
            append(stream, version)
    visit = worker.run_until_idle(30)
    assert visit.idle, visit.failures
    for stream in ("account-b", "account-c"):
        append(stream, 3)
    assert worker.run_until_idle(30).idle
    messages = arrived(6)
    assert [versions(messages, stream) for stream in ("account-a", "account-b", "account-c")] == [
        [1, 2],
        [1],
        [1, 2, 3],
    ]
    (waiting,) = parked.all().values()
    assert (waiting.stream, waiting.version, waiting.upto) == ("account-b", 1, 3)
    assert waiting.error["reason"] == "it is not liked"


def test_a_retry_sends_what_waits_in_order_and_the_stream_waits_no_longer(
    client: CosmosClient,
    database: str,
    hub_: Hub,
    append: Callable[[str, int], None],
    arrived: Arrived,
    parked: ParkedStreams,
    drain: RelayDrain,
) -> None:
    hub_.refused.add(("account-b", 2))
    worker = relaying(client, database, hub_.publisher)
    for version in (1, 2, 3):
        append("account-b", version)
    assert worker.run_until_idle(30).idle
    failure = drain.retry("account-b")
    assert failure is not None
    assert (failure["version"], failure["reason"]) == (2, "it is not liked")
    assert parked.all()["account-b"].attempts == 2
    hub_.refused.clear()
    assert drain.retry("account-b") is None
    assert not parked.all()
    append("account-b", 4)
    assert worker.run_until_idle(30).idle
    assert versions(arrived(4), "account-b") == [1, 2, 3, 4]


def test_a_stream_that_comes_to_wait_longer_while_it_is_retried_loses_nothing(
    client: CosmosClient,
    database: str,
    cosmos: LocalCosmos,
    hub_: Hub,
    append: Callable[[str, int], None],
    arrived: Arrived,
    parked: ParkedStreams,
    drain: RelayDrain,
) -> None:
    hub_.refused.add(("account-b", 2))
    worker = relaying(client, database, hub_.publisher)
    for version in (1, 2):
        append("account-b", version)
    assert worker.run_until_idle(30).idle
    hub_.refused.clear()
    publish, raced = hub_.publisher.publish, []

    def publish_and_race(*arguments: Any) -> Any:
        found = publish(*arguments)
        if not raced:
            raced.append(True)
            append("account-b", 3)
            assert worker.run_until_idle(30).idle
        return found

    drain._publisher.publish = publish_and_race  # type: ignore[method-assign]
    assert drain.retry("account-b") is None
    assert not parked.all()
    assert versions(arrived(3), "account-b") == [1, 2, 3]


def test_a_dropped_event_is_left_out_and_noted_and_dropping_it_again_says_so_too(
    client: CosmosClient,
    database: str,
    cosmos: LocalCosmos,
    hub_: Hub,
    append: Callable[[str, int], None],
    arrived: Arrived,
    parked: ParkedStreams,
    drain: RelayDrain,
) -> None:
    hub_.refused.add(("account-b", 1))
    worker = relaying(client, database, hub_.publisher)
    for version in (1, 2):
        append("account-b", version)
    assert worker.run_until_idle(30).idle
    with pytest.raises(NotParked):
        drain.drop("account-b", 2, by="olga", at=NOON)
    cosmos.faults.add(operation="batch", container="leases", lose_answer=True, count=1)
    drain.drop("account-b", 1, by="olga", at=NOON)
    assert drain.retry("account-b") is None
    drain.drop("account-b", 1, by="olga", at=NOON)
    assert not parked.all()
    assert versions(arrived(1), "account-b") == [2]


class Refusing:
    """`send_batch` of a producer that is refused, with a condition, whatever holds a text."""

    def __init__(self, publisher: EventHubPublisher, condition: bytes, text: bytes) -> None:
        self._send = publisher._producer.send_batch
        self._condition, self._text = condition, text
        publisher._producer.send_batch = self  # type: ignore[method-assign]

    def __call__(self, batch: EventDataBatch, **options: Any) -> None:
        if any(self._text in bytes(event.body_as_str(), "utf-8") for event in batch._internal_events):
            error = MessageException(self._condition, description="no", info=None)
            raise EventDataSendError(str(error), error)  # type: ignore[arg-type]
        self._send(batch, **options)


def test_what_the_hub_refuses_is_found_in_its_batch_and_stops_its_stream_alone(
    client: CosmosClient,
    database: str,
    publisher: EventHubPublisher,
    append: Callable[[str, int], None],
    arrived: Arrived,
    parked: ParkedStreams,
) -> None:
    Refusing(publisher, ErrorCondition.NotAllowed, b'"account-b"')
    for version in (1, 2):
        for number in "abcdef":
            append(f"account-{number}", version)
    assert relaying(client, database, publisher).run_until_idle(30).idle
    messages = arrived(10)
    assert len(messages) == 10
    assert all(versions(messages, f"account-{number}") == [1, 2] for number in "acdef")
    (waiting,) = parked.all().values()
    assert (waiting.stream, waiting.version, waiting.upto) == ("account-b", 0, 2)


@pytest.mark.parametrize("condition", [ErrorCondition.NotAllowed, b"com.microsoft:server-busy"])
def test_a_hub_that_takes_nothing_at_all_stops_no_stream(
    publisher: EventHubPublisher, parked: ParkedStreams, condition: bytes
) -> None:
    Refusing(publisher, condition, b"")
    with pytest.raises(EventHubError):
        publisher.publish([recorded(f"account-{number}", 1) for number in "abc"])


def test_a_page_that_fails_is_not_sent_again_as_far_as_the_hub_has_it(
    client: CosmosClient,
    database: str,
    publisher: EventHubPublisher,
    append: Callable[[str, int], None],
    arrived: Arrived,
) -> None:
    streams = [f"account-{number}" for number in range(8)]
    for stream in streams:
        append(stream, 1)
    busy = Refusing(publisher, b"com.microsoft:server-busy", b'"account-3"')
    worker = relaying(client, database, publisher)
    assert not worker.run_until_idle(1).idle
    publisher._producer.send_batch = busy._send  # type: ignore[method-assign]
    assert worker.run_until_idle(30).idle
    assert sorted(body(message)["subject"] for message in arrived(8)) == streams


def test_a_relay_killed_at_any_request_beside_a_stream_that_waits_loses_nothing(hub_: Hub, arrived: Arrived) -> None:
    """At every request of the first run: before it, and after it was committed. The next worker does the rest."""
    rounds = 0
    for phase in ("before", "after"):
        number = 0
        while _killed_and_replaced(hub_, f"{phase}-{number}", number, phase):
            number += 1
        assert number > 5
        rounds += number + 1
    messages = arrived(4 * rounds)
    seen: dict[str, list[int]] = {}
    for event in map(body, messages):
        seen.setdefault(event["subject"], []).append(int(event["sequence"]))
    assert len(seen) == 2 * rounds
    assert all(list(dict.fromkeys(found)) == [1, 2] for found in seen.values())


def _killed_and_replaced(hub: Hub, name: str, number: int, phase: str) -> bool:
    """Whether there was a request of that number to be killed at."""
    good, bad = f"account-{name}", f"account-stopped-{name}"
    hub.refused.add((bad, 1))
    with LocalCosmos() as cosmos:
        client = cosmos.client()
        create_containers(client, "tidemark", VIEWS.indexed)
        events = client.get_database_client("tidemark").get_container_client(EVENTS.name)
        for version in (1, 2):
            for stream in (good, bad):
                events.create_item(document(stream, version))
        requests: list[int] = []

        def kill(info: RequestInfo, when: str) -> None:
            if when == phase and not info.is_sdks_own:
                requests.append(info.number)
                if len(requests) > number:  # from here on nothing of this process gets through
                    raise Killed

        remove = cosmos.faults.on_request(kill)
        with contextlib.suppress(Killed):
            _worker(client, hub).run_until_idle(30)
        remove()
        stores = Database.open(client, "tidemark")
        later = datetime.now(UTC).timestamp() + 3600
        assert _worker(client, hub, clock=lambda: later).run_until_idle(30).idle
        (waiting,) = parked_streams(stores.leases.gateway).all().values()
        assert (waiting.stream, waiting.version, waiting.upto) == (bad, 0, 2)
        hub.refused.clear()
        drain = RelayDrain(parked_streams(stores.leases.gateway), stores.history, hub.publisher)
        assert drain.retry(bad) is None
    return len(requests) > number


def _worker(client: CosmosClient, hub: Hub, **options: Any) -> Worker:
    leases = Database.open(client, "tidemark").leases.gateway
    settings = WorkerSettings(parallel=0)
    return Worker(client, "tidemark", [relay(hub.publisher, leases)], views=(), settings=settings, **options)
