"""Sends events to Event Hubs: per hub partition, in order, every send acknowledged before the next.

The promise: at least once; first arrivals of a stream come in version order without gaps. So nothing later of a stream
is sent before everything earlier of it is acknowledged, and a failed send ends the page: the caller does not
checkpoint and sends the whole page again. Different hub partitions are sent side by side.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from azure.eventhub import EventData, EventDataBatch, EventHubProducerClient
from azure.eventhub._buffered_producer._partition_resolver import PartitionResolver

from eventstore.log.documents import RecordedEvent
from projectors.relay.envelope import CONTENT_TYPE, cloud_event, cloud_event_by_reference

_PARTITION_KEY = b"x-opt-partition-key"


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
        self._source = source
        self._partition_of: Callable[[str], str] | None = None
        self._sends = ThreadPoolExecutor(parallel_sends, thread_name_prefix="relay")

    def publish(self, events: Sequence[RecordedEvent]) -> None:
        """Returns once the hub has acknowledged every event; raises when any send failed."""
        if self._partition_of is None:
            self._partition_of = _partitioning(sorted(self._producer.get_partition_ids(), key=int))
        by_partition: dict[str, list[RecordedEvent]] = {}
        for event in events:
            by_partition.setdefault(self._partition_of(event.stream), []).append(event)
        sends: list[Future[None]] = [self._sends.submit(self._send_all, *item) for item in by_partition.items()]
        wait(sends)
        for send in sends:
            send.result()

    def close(self) -> None:
        self._sends.shutdown()
        self._producer.close()

    def _send_all(self, partition_id: str, events: Sequence[RecordedEvent]) -> None:
        for batch in self._batches(partition_id, events):
            self._producer.send_batch(batch)

    def _batches(self, partition_id: str, events: Sequence[RecordedEvent]) -> Iterator[EventDataBatch]:
        batch = self._producer.create_batch(partition_id=partition_id)
        for event in events:
            message = _message(event, cloud_event(event, source=self._source))
            if _fits(batch, message):
                continue
            if len(batch):
                yield batch
                batch = self._producer.create_batch(partition_id=partition_id)
                if _fits(batch, message):
                    continue
            batch.add(_message(event, cloud_event_by_reference(event, source=self._source)))
        if len(batch):
            yield batch


def _partitioning(partitions: Sequence[str]) -> Callable[[str], str]:
    """Where a partition key goes; the SDK keeps this to itself and untyped, a test holds it against its own sends."""
    resolver: Any = PartitionResolver
    choose: Callable[[str], str] = resolver(partitions).get_partition_id_by_partition_key
    return choose


def _message(event: RecordedEvent, body: bytes) -> EventData:
    message = EventData(body)
    message.content_type = CONTENT_TYPE
    message.message_id = event.meta["id"]
    annotations: dict[Any, Any] = {_PARTITION_KEY: event.stream}
    message.raw_amqp_message.annotations = annotations
    return message


def _fits(batch: EventDataBatch, message: EventData) -> bool:
    try:
        batch.add(message)
    except ValueError:  # the SDK's word for "the batch is full"
        return False
    return True
