"""Links: the two directions in which messages travel, seen from the server."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from localazure.amqp.errors import Refusal
from localazure.amqp.performatives import (
    MAX_MESSAGE,
    Attach,
    Performative,
    accepted,
    detach_frame,
    disposition_frame,
    error,
    rejected,
)
from localazure.eventhubs.errors import MessageTooLarge
from localazure.eventhubs.links.channel import Channel

CREDIT = 1000


def distance(first: int, last: int) -> int:
    """How far the counter `last` is ahead of `first`; both wrap around at 32 bits. 0 when it is behind."""
    ahead = (last - first) & 0xFFFFFFFF
    return ahead if ahead < 0x80000000 else 0


class Link:
    """One link of a session. A subclass is made for an attach that is granted; its constructor may raise Refusal."""

    offered: tuple[str, ...] = ()
    """Capabilities named in the answering attach."""

    def __init__(self, session: Channel, asked: Attach) -> None:
        self.session = session
        self.name = asked.name
        self.handle = asked.handle

    def opened(self) -> None:
        """The answering attach is on its way."""

    def on_flow(self, frame: Performative) -> None:
        """The client told its credit."""

    def on_transfer(self, frame: Performative) -> None:
        """The client sent a frame of a message."""

    def wake(self) -> None:
        """There may be something to send, or room to send it."""

    def closed(self) -> None:
        """The link is gone, for whatever reason."""

    def disconnect(self, cause: Refusal) -> None:
        """Detaches from the server's side."""
        self.session.forget(self.handle)
        self.session.send(detach_frame(self.handle, error(cause.condition, cause.description)))


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it arrived; `settled` means that its sender wants no answer."""

    number: int
    settled: bool
    format: int
    message: bytes


class ReceivingLink(Link, ABC):
    """A link on which the client sends. Puts frames together to messages and keeps the client in credit."""

    def __init__(self, session: Channel, asked: Attach) -> None:
        super().__init__(session, asked)
        self._delivery_count = asked.initial_delivery_count
        self._granted_at = self._delivery_count
        self._first: Performative | None = None
        self._parts: list[bytes] = []
        self._size = 0

    def opened(self) -> None:
        self._grant()

    @abstractmethod
    def deliver(self, delivery: Delivery) -> None:
        """Takes one message; has to end in `accept` or `reject` unless the link or connection ends."""

    def on_transfer(self, frame: Performative) -> None:
        first = self._first = self._first or frame
        self._size += len(frame.payload)
        if self._size <= MAX_MESSAGE:
            self._parts.append(frame.payload)
        if frame.flag(5) and not frame.flag(9):
            return
        message, size = b"".join(self._parts), self._size
        self._first, self._parts, self._size = None, [], 0
        if frame.flag(9):
            return
        self._delivery_count = (self._delivery_count + 1) & 0xFFFFFFFF
        if distance(self._granted_at, self._delivery_count) >= CREDIT // 2:
            self._grant()
        delivery = Delivery(first.number(1), first.flag(4) or frame.flag(4), first.number(3), message)
        if size > MAX_MESSAGE:
            told = (
                f"The received message (delivery-id:{delivery.number}, size:{size} bytes) exceeds the limit "
                f"({MAX_MESSAGE} bytes) currently allowed on the link."
            )
            self.reject(delivery, MessageTooLarge(told))
        else:
            self.deliver(delivery)

    def accept(self, delivery: Delivery) -> None:
        self._settle(delivery, accepted())

    def reject(self, delivery: Delivery, cause: Refusal) -> None:
        self._settle(delivery, rejected(cause.condition, cause.description))

    def _settle(self, delivery: Delivery, state: bytes) -> None:
        if not delivery.settled:
            self.session.send(disposition_frame(delivery.number, delivery.number, state, receiver=True))

    def _grant(self) -> None:
        self._granted_at = self._delivery_count
        self.session.send_flow((self.handle, self._delivery_count, CREDIT))


class SendingLink(Link):
    """A link on which the client reads. Keeps count of the credit that the client gave."""

    def __init__(self, session: Channel, asked: Attach) -> None:
        super().__init__(session, asked)
        self._settled = asked.settle_mode == b"\x50\x01"
        self._delivery_count = 0
        self._credit = 0

    @property
    def ready(self) -> bool:
        """Whether one more message may be sent now."""
        return self._credit > 0 and self.session.writable

    @property
    def credit(self) -> int:
        return self._credit

    def on_flow(self, frame: Performative) -> None:
        known = frame.number(5, self._delivery_count)
        self._credit = distance(self._delivery_count, known + frame.number(6))
        self.wake()
        if frame.flag(8):
            self._delivery_count = (self._delivery_count + self._credit) & 0xFFFFFFFF
            self._credit = 0
        if frame.flag(8) or frame.flag(9):
            self.session.send_flow((self.handle, self._delivery_count, self._credit))

    def send_message(self, message: bytes) -> None:
        """Sends one message; only when `ready`."""
        self.session.send_transfer(self.handle, message, settled=self._settled)
        self._delivery_count = (self._delivery_count + 1) & 0xFFFFFFFF
        self._credit -= 1
