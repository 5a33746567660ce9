"""The link of a consumer: one partition's events from a position on, as fast as credit and socket allow."""

from __future__ import annotations

from localazure.amqp.encode import long, string, timestamp
from localazure.amqp.errors import Refusal
from localazure.amqp.message import with_delivery_annotations
from localazure.amqp.performatives import Attach
from localazure.eventhubs.errors import BadRequest, ServerBusy
from localazure.eventhubs.faults import Fault, FaultKind
from localazure.eventhubs.hubs.hub import Hub
from localazure.eventhubs.hubs.position import position_of
from localazure.eventhubs.links.address import Address
from localazure.eventhubs.links.channel import Channel
from localazure.eventhubs.links.link import SendingLink
from localazure.eventhubs.links.producer import FORCED

EPOCH = "com.microsoft:epoch"
RUNTIME_METRIC = "com.microsoft:enable-receiver-runtime-metric"
_CHUNK = 64


class ConsumerLink(SendingLink):
    """A reader of one partition in one consumer group."""

    def __init__(self, session: Channel, asked: Attach, hub: Hub, address: Address) -> None:
        super().__init__(session, asked)
        if address.group is None or address.partition is None:
            raise BadRequest(
                f"{asked.address!r} cannot be read; expected amqps://host/hub/ConsumerGroups/G/Partitions/N"
            )
        hub.check_group(address.group)
        self._partition = hub.partition(address.partition)
        self._faults = session.connection.hubs.faults
        self._waiting = False
        self._notified = False
        self._closed = False
        for kind in (FaultKind.REFUSE, FaultKind.BUSY):
            if fault := self._strike(kind):
                raise ServerBusy("this link is refused on purpose", condition=fault.condition)
        epoch = asked.properties.get(EPOCH)
        self.epoch = epoch if isinstance(epoch, int) else None
        self.group = address.group.lower()
        self._metric = RUNTIME_METRIC in asked.capabilities
        self.offered = (RUNTIME_METRIC,) if self._metric else ()
        self._next = self._partition.locate(position_of(asked.terminus))
        self._partition.attach(self)

    def closed(self) -> None:
        self._closed = True
        self._partition.detach(self)

    def notify(self) -> None:
        """Wakes the link in the loop's next turn, once for all that is appended until then."""
        if not self._notified:
            self._notified = True
            self.session.connection.later(0, self.wake)

    def wake(self) -> None:
        """Sends what there is, until credit, window or socket are exhausted."""
        self._notified = False
        while room := self._room():
            events = self._partition.read(self._next, min(_CHUNK, room))
            if not events or self._struck():
                return
            for sequence, message in events:
                if not self._room():
                    return
                self.send_message(self._annotated(message) if self._metric else message)
                self._next = sequence + 1

    def _room(self) -> int:
        """How many events may be sent now."""
        return self.credit if self.ready and not self._waiting and not self._closed else 0

    def _annotated(self, message: bytes) -> bytes:
        tail = self._partition.tail
        return with_delivery_annotations(
            message,
            {
                "last_enqueued_sequence_number": long(tail.next_sequence - 1),
                "last_enqueued_offset": string(str(tail.last_offset)),
                "last_enqueued_time_utc": timestamp(tail.last_ms),
                "runtime_info_retrieval_time_utc": timestamp(self._partition.clock()),
            },
        )

    def _struck(self) -> bool:
        """Whether a fault keeps the events at hand from being sent."""
        if detach := self._strike(FaultKind.DETACH):
            self.disconnect(Refusal("this link is detached on purpose", condition=detach.condition or FORCED))
        elif self._strike(FaultKind.DROP):
            self.session.connection.abort()
        elif slow := self._strike(FaultKind.SLOW):
            self._waiting = True
            self.session.connection.later(slow.delay, self._resume)
        else:
            return False
        return True

    def _resume(self) -> None:
        self._waiting = False
        self.wake()

    def _strike(self, kind: FaultKind) -> Fault | None:
        return self._faults.strike(kind, self._partition.hub, self._partition.number, "consumer")
