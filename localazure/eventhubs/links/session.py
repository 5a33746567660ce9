"""Sessions: a channel of a connection, its transfer window and its links."""

from __future__ import annotations

from localazure.amqp.encode import NULL
from localazure.amqp.errors import ProtocolError, Refusal
from localazure.amqp.frames import HEAD, frame
from localazure.amqp.performatives import (
    ATTACH,
    DETACH,
    DISPOSITION,
    FLOW,
    HANDLE_MAX,
    TRANSFER,
    WINDOW,
    Attach,
    Performative,
    accepted,
    attach_frame,
    begin_frame,
    detach_frame,
    disposition_frame,
    error,
    flow_frame,
    transfer_head,
)
from localazure.eventhubs.links.address import parse_address
from localazure.eventhubs.links.channel import Wire
from localazure.eventhubs.links.consumer import ConsumerLink
from localazure.eventhubs.links.link import Link, distance
from localazure.eventhubs.links.nodes import NODES, RequestLink, ResponseLink
from localazure.eventhubs.links.producer import ProducerLink


class Session:
    """One session. The client's window is kept to; the client's own transfers are not policed but refreshed.

    (azure-eventhub sends before it has credit and counts one per message where the standard counts frames.)
    """

    def __init__(self, connection: Wire, channel: int, begin: Performative) -> None:
        self.connection = connection
        self.channel = channel
        self._links: dict[int, Link] = {}
        self._refused: set[int] = set()
        self._next_outgoing_id = 0
        self._next_delivery_id = 0
        self._next_incoming_id = begin.number(1)
        self._window = begin.number(2)
        self._unannounced = 0
        self.send(begin_frame(channel, self._next_outgoing_id))

    @property
    def writable(self) -> bool:
        return self._window > 0 and self.connection.writable

    def handle(self, performative: Performative) -> None:
        """Takes one frame body of this channel."""
        if performative.code == TRANSFER:
            self._transfer(performative)
        elif performative.code == FLOW:
            self._flow(performative)
        elif performative.code == ATTACH:
            self._attach(Attach.of(performative))
        elif performative.code == DETACH:
            self._detach(performative)
        elif performative.code == DISPOSITION:
            self._disposition(performative)
        else:
            raise ProtocolError(f"no frame with code {performative.code:#04x} is allowed here")

    def send(self, body: bytes) -> None:
        self.connection.write(frame(self.channel, body))

    def send_flow(self, link: tuple[int, int, int] | None = None) -> None:
        self._unannounced = 0
        self.send(flow_frame(self._next_incoming_id, self._next_outgoing_id, link))

    def send_transfer(self, handle: int, message: bytes, *, settled: bool) -> None:
        """Sends one message in as many frames as the client's frame size asks for."""
        delivery_id = self._next_delivery_id
        self._next_delivery_id = (delivery_id + 1) & 0xFFFFFFFF
        last = transfer_head(handle, delivery_id, settled=settled, more=False)
        room = self.connection.max_frame - HEAD.size - len(last)
        sent = 0
        while len(message) - sent > room:
            head = transfer_head(handle, delivery_id, settled=settled, more=True)
            self._count_sent(frame(self.channel, head, message[sent : sent + room]))
            sent += room
        self._count_sent(frame(self.channel, last, message[sent:]))

    def response_link(self, node: str) -> ResponseLink | None:
        """The link that carries a node's answers."""
        for link in self._links.values():
            if isinstance(link, ResponseLink) and link.node == node:
                return link
        return None

    def forget(self, handle: int) -> None:
        """Drops a link that the server detaches; the client's answering detach is expected."""
        self._refused.add(handle)
        self._links.pop(handle).closed()

    def wake(self) -> None:
        for link in tuple(self._links.values()):
            link.wake()

    def closed(self) -> None:
        links, self._links = self._links, {}
        for link in links.values():
            link.closed()

    def _count_sent(self, encoded: bytes) -> None:
        self._next_outgoing_id = (self._next_outgoing_id + 1) & 0xFFFFFFFF
        self._window -= 1
        self.connection.write(encoded)

    def _attach(self, asked: Attach) -> None:
        if asked.handle > HANDLE_MAX or asked.handle in self._links:
            raise ProtocolError(f"link handle {asked.handle} is in use or above {HANDLE_MAX}")
        self._refused.discard(asked.handle)
        try:
            link = self._open(asked)
        except Refusal as refusal:
            self._refused.add(asked.handle)
            self.send(attach_frame(asked, refused=True))
            self.send(detach_frame(asked.handle, error(refusal.condition, refusal.description)))
            return
        self._links[asked.handle] = link
        self.send(attach_frame(asked, link.offered))
        link.opened()

    def _open(self, asked: Attach) -> Link:
        if asked.address in NODES:
            kind = ResponseLink if asked.receives else RequestLink
            return kind(self, asked, asked.address)
        address = parse_address(asked.address)
        self.connection.check_authorized(address.hub)
        hub = self.connection.hubs.hub(address.hub)
        role = ConsumerLink if asked.receives else ProducerLink
        return role(self, asked, hub, address)

    def _transfer(self, transfer: Performative) -> None:
        self._next_incoming_id = (self._next_incoming_id + 1) & 0xFFFFFFFF
        self._unannounced += 1
        if self._unannounced >= WINDOW // 2:
            self.send_flow()
        if link := self._link(transfer.number(0)):
            link.on_transfer(transfer)

    def _flow(self, flow: Performative) -> None:
        known = flow.number(0, self._next_outgoing_id)
        self._window = distance(self._next_outgoing_id, known + flow.number(1))
        if flow.get(4) is None:
            self.wake()
        elif link := self._link(flow.number(4)):
            link.on_flow(flow)

    def _detach(self, detach: Performative) -> None:
        handle = detach.number(0)
        if handle in self._refused:
            self._refused.discard(handle)
        elif link := self._link(handle):
            del self._links[handle]
            link.closed()
            self.send(detach_frame(handle, NULL, closed=detach.flag(1)))

    def _disposition(self, disposition: Performative) -> None:
        """A client that wants its receipt confirmed gets it; events stay in the log either way."""
        if disposition.flag(0) and not disposition.flag(3):
            first = disposition.number(1)
            self.send(disposition_frame(first, disposition.number(2, first), accepted(), receiver=False))

    def _link(self, handle: int) -> Link | None:
        """The link of a handle; None for one whose detach the client may not have seen yet."""
        link = self._links.get(handle)
        if link is None and handle not in self._refused:
            raise ProtocolError(f"no link is attached with handle {handle}")
        return link
