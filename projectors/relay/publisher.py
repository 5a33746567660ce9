"""Sends events to Event Hubs: per hub partition, in order, every send acknowledged before the next.

The promise: at least once; first arrivals of a stream come in version order without gaps. So nothing later of a stream
is sent before everything earlier of it is acknowledged, and a failed send ends the page: the caller does not
checkpoint and sends the rest of the page again. Different hub partitions are sent side by side.

What the hub will never take in one form is sent in a smaller one: with its data, by reference, and last as no more
than its name. An event that goes out in no form stops its stream, and no other.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Final

from azure.eventhub import EventData, EventHubProducerClient
from azure.eventhub._buffered_producer._partition_resolver import PartitionResolver

from eventstore.log.documents import RecordedEvent
from projectors.relay.envelope import CONTENT_TYPE, bare_reference, cloud_event, cloud_event_by_reference
from projectors.relay.partition_key import partition_key
from projectors.relay.send import NeverTaken, PartitionSend, Sent, Undelivered

_PARTITION_KEY: Final = b"x-opt-partition-key"
_FORMS: Final = (cloud_event, cloud_event_by_reference, bare_reference)


class EventHubPublisher:
    """Publishes pages of events to one hub.

    The hub partition of a stream is the one that the service itself gives to the partition key (the SDK's resolver).
    Batches are addressed to the partition, not to the key: a page over 500 streams is then a few sends instead of 500,
    and every message still carries its partition key.

    `source` is the CloudEvents source, e.g. "urn:tidemark:<database>". Nothing is sent before the first page. Errors of
    the SDK pass through: the page was not, or not wholly, acknowledged.
    """

    def __init__(self, producer: EventHubProducerClient, *, source: str, parallel_sends: int = 4) -> None:
        self._producer = producer
        self._forms = [_form(write, source) for write in _FORMS]
        self._partition_of: Callable[[str], str] | None = None
        self._sends = ThreadPoolExecutor(parallel_sends, thread_name_prefix="relay")

    def publish(self, events: Sequence[RecordedEvent], sent: Sent | None = None) -> list[Undelivered]:
        """Returns once the hub has acknowledged every event, but for those of the streams that are returned.

        A returned event goes out in no form, and nothing behind it of its stream was sent. `sent` says what need not be
        sent again, and learns what was acknowledged, whether this returns or raises.

        Raises:
            EventHubError: a send failed that may succeed later. So is a refusal as long as the hub has taken nothing of
                the page: it may be for the hub's state and not for the event.
        """
        sent = Sent() if sent is None else sent
        by_partition = self._by_partition(events, sent)
        sends: list[Future[list[Undelivered]]] = [
            self._sends.submit(PartitionSend(self._producer, partition, self._forms, sent).send, some)
            for partition, some in by_partition.items()
        ]
        wait(sends)
        stopped = [each for send in sends for each in send.result()]
        for each in stopped:
            if each.refusal is not None and not sent.acknowledged:
                raise each.refusal
        return stopped

    def close(self) -> None:
        self._sends.shutdown()
        self._producer.close()

    def _by_partition(self, events: Iterable[RecordedEvent], sent: Sent) -> dict[str, list[RecordedEvent]]:
        if self._partition_of is None:
            self._partition_of = _partitioning(sorted(self._producer.get_partition_ids(), key=int))
        by_partition: dict[str, list[RecordedEvent]] = {}
        for event in events:
            if not sent.has(event):
                by_partition.setdefault(self._partition_of(partition_key(event.stream)), []).append(event)
        return by_partition


def _partitioning(partitions: Sequence[str]) -> Callable[[str], str]:
    """Where a partition key goes; the SDK keeps this to itself and untyped, a test holds it against its own sends."""
    resolver: Any = PartitionResolver
    choose: Callable[[str], str] = resolver(partitions).get_partition_id_by_partition_key
    return choose


def _form(write: Callable[..., bytes], source: str) -> Callable[[RecordedEvent], EventData]:
    def message(event: RecordedEvent) -> EventData:
        try:
            body = write(event, source=source)
        except Exception as error:
            raise NeverTaken(f"it cannot be written as a CloudEvent: {error!r}") from error
        made = EventData(body)
        made.content_type = CONTENT_TYPE
        made.message_id = str(event.meta.get("id") or event.hash)
        annotations: dict[Any, Any] = {_PARTITION_KEY: partition_key(event.stream)}
        made.raw_amqp_message.annotations = annotations
        return made

    return message
