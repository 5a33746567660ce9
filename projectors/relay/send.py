"""Sending to one partition of the hub: in batches, and one by one where the hub refuses a batch."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from azure.eventhub import EventData, EventDataBatch, EventHubProducerClient
from azure.eventhub.exceptions import EventDataSendError, EventHubError

from eventstore.log.documents import RecordedEvent

Form = Callable[[RecordedEvent], EventData]
"""One way to write an event as a message. Raises NeverTaken where it cannot be written so."""

_SECONDS: Final = 60.0
"""For one send with the SDK's own repetitions: without it a hub that never settles is waited for without end."""

_TOO_LARGE: Final = "link:message-size-exceeded"
_REFUSALS: Final = frozenset(
    {
        "decode-error",
        "invalid-field",
        "not-allowed",
        "not-implemented",
        "frame-size-too-small",
        "argument-error",
    }
)
"""Conditions of AMQP and of Event Hubs, without their prefix, that the same message would always meet."""


class NeverTaken(Exception):
    """A message that the hub will never take, for what it is."""

    def __init__(self, reason: str, refusal: EventHubError | None = None) -> None:
        super().__init__(reason)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Undelivered:
    """An event that stops its stream. `refusal` is the hub's last word, None when it never got to the hub."""

    stream: str
    version: int
    type: str
    reason: str
    refusal: EventHubError | None = None


class Sent:
    """What the hub has acknowledged while one page is sent, however often that is tried. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._versions: dict[str, int] = {}
        self.acknowledged = 0

    def has(self, event: RecordedEvent) -> bool:
        return event.version <= self._versions.get(event.stream, -1)

    def upto(self, stream: str, otherwise: int) -> int:
        """The last version of the stream that was acknowledged."""
        return self._versions.get(stream, otherwise)

    def forget(self) -> None:
        """The page is done."""
        with self._lock:
            self._versions.clear()
            self.acknowledged = 0

    def note(self, events: Sequence[RecordedEvent]) -> None:
        with self._lock:
            self.acknowledged += len(events)
            self._versions.update((event.stream, event.version) for event in events)


class PartitionSend:
    """The events of a page that go to one hub partition."""

    def __init__(self, producer: EventHubProducerClient, partition: str, forms: Sequence[Form], sent: Sent) -> None:
        """`forms` from the fullest to the barest: an event goes out in the first one that the hub takes."""
        self._producer = producer
        self._partition = partition
        self._forms = forms
        self._sent = sent
        self._stopped: dict[str, Undelivered] = {}

    def send(self, events: Sequence[RecordedEvent]) -> list[Undelivered]:
        """Returns what stopped a stream, once all the others are acknowledged."""
        batch, inside = self._new(), list[RecordedEvent]()
        for event in events:
            if event.stream in self._stopped or self._added(batch, event, self._forms[0]):
                inside += [] if event.stream in self._stopped else [event]
                continue
            self._send_together(batch, inside)
            batch, inside = self._new(), []
            if event.stream in self._stopped:
                continue
            if self._added(batch, event, self._forms[0]):
                inside.append(event)
            else:
                self._send_alone(event)
        self._send_together(batch, inside)
        return list(self._stopped.values())

    def _send_together(self, batch: EventDataBatch, inside: Sequence[RecordedEvent]) -> None:
        if not inside:
            return
        try:
            self._deliver(batch)
        except NeverTaken:
            for event in inside:
                if event.stream not in self._stopped:
                    self._send_alone(event)
        else:
            self._sent.note(inside)

    def _send_alone(self, event: RecordedEvent) -> None:
        reason = NeverTaken("there is no form to send it in")
        for form in self._forms:
            batch = self._new()
            try:
                _add(batch, form(event))
                self._deliver(batch)
            except NeverTaken as error:
                reason = error
            else:
                self._sent.note([event])
                return
        self._stopped[event.stream] = Undelivered(event.stream, event.version, event.type, str(reason), reason.refusal)

    def _added(self, batch: EventDataBatch, event: RecordedEvent, form: Form) -> bool:
        try:
            _add(batch, form(event))
        except NeverTaken:
            return False
        return True

    def _new(self) -> EventDataBatch:
        return self._producer.create_batch(partition_id=self._partition)

    def _deliver(self, batch: EventDataBatch) -> None:
        try:
            self._producer.send_batch(batch, timeout=_SECONDS)
        except EventHubError as error:
            if error.error != _TOO_LARGE and not (isinstance(error, EventDataSendError) and error.error in _REFUSALS):
                raise
            raise NeverTaken(f"the hub refuses it: {error}", error) from error


def _add(batch: EventDataBatch, message: EventData) -> None:
    try:
        batch.add(message)
    except ValueError as error:  # the SDK's word for "it does not fit"
        raise NeverTaken(f"it is larger than the hub takes: {error}") from error
