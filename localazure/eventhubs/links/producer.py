"""The link of a producer: events in, an acknowledgement once they are stored."""

from __future__ import annotations

from localazure.amqp.errors import Refusal
from localazure.amqp.message import BATCH_FORMAT, Event, read_batch, read_event
from localazure.amqp.performatives import Attach
from localazure.eventhubs.errors import ServerBusy
from localazure.eventhubs.faults import Fault, FaultKind
from localazure.eventhubs.hubs.hub import Hub
from localazure.eventhubs.hubs.partition import Partition
from localazure.eventhubs.links.address import Address
from localazure.eventhubs.links.channel import Channel
from localazure.eventhubs.links.link import Delivery, ReceivingLink

FORCED = "amqp:link:detach-forced"


class ProducerLink(ReceivingLink):
    """Stores what arrives in the address's partition, or in the key's, or in turn."""

    def __init__(self, session: Channel, asked: Attach, hub: Hub, address: Address) -> None:
        super().__init__(session, asked)
        self._hub = hub
        self._partition = None if address.partition is None else hub.partition(address.partition)
        self._faults = session.connection.hubs.faults
        number = self._partition.number if self._partition else None
        fault = self._faults.strike(FaultKind.REFUSE, hub.name, number, "producer")
        if fault is not None:
            raise ServerBusy("this link is refused on purpose", condition=fault.condition)

    def deliver(self, delivery: Delivery) -> None:
        try:
            key, events = _events(delivery)
        except Refusal as refusal:
            self.reject(delivery, refusal)
            return
        partition = self._partition or self._hub.route(key)
        slow = self._strike(FaultKind.SLOW, partition)
        if slow is None:
            self._take(delivery, partition, key, events)
        else:
            self.session.connection.hold(slow.delay, lambda: self._take(delivery, partition, key, events))

    def _take(self, delivery: Delivery, partition: Partition, key: str | None, events: list[Event]) -> None:
        if detach := self._strike(FaultKind.DETACH, partition):
            self.disconnect(Refusal("this link is detached on purpose", condition=detach.condition or FORCED))
        elif self._strike(FaultKind.DROP, partition):
            self.session.connection.abort()
        elif self._strike(FaultKind.BUSY, partition):
            self.reject(delivery, ServerBusy("the server is busy on purpose; send again later"))
        else:
            partition.append(events, key)
            if self._strike(FaultKind.DROP_AFTER_STORE, partition):
                self.session.connection.abort()
            else:
                self.accept(delivery)

    def _strike(self, kind: FaultKind, partition: Partition) -> Fault | None:
        return self._faults.strike(kind, self._hub.name, partition.number, "producer")


def _events(delivery: Delivery) -> tuple[str | None, list[Event]]:
    if delivery.format == BATCH_FORMAT:
        return read_batch(delivery.message)
    event = read_event(delivery.message)
    return event.key, [event]
