"""Channels: what a link may do with the session that carries it, and with the connection below."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from localazure.eventhubs.local import LocalEventHubs

__all__ = ["Answering", "Channel", "Wire"]


class Wire(Protocol):
    """A client's connection, as its sessions and links see it."""

    hubs: LocalEventHubs
    writable: bool
    max_frame: int

    def write(self, encoded: bytes) -> None:
        """Queues bytes."""

    def abort(self) -> None:
        """Cuts the connection; what is queued is lost."""

    def hold(self, delay: float, then: Callable[[], None]) -> None:
        """Hears nothing more from this client until `delay` seconds have passed and `then` has run."""

    def later(self, delay: float, then: Callable[[], None]) -> None:
        """Runs `then` after `delay` seconds unless the connection is gone by then."""

    def authorize(self, hub: str) -> None:
        """A token for the hub was put."""

    def check_authorized(self, hub: str) -> None:
        """Raises Unauthorized unless a token for the hub was put."""


class Answering(Protocol):
    """The link that carries a node's answers."""

    def answer(self, message: bytes) -> None:
        """Sends as soon as the client gives credit."""


class Channel(Protocol):
    """A session, as its links see it."""

    @property
    def connection(self) -> Wire:
        """What carries it."""

    @property
    def writable(self) -> bool:
        """Whether the client's window and the connection take more."""

    def send(self, body: bytes) -> None:
        """Sends one frame."""

    def send_flow(self, link: tuple[int, int, int] | None = None) -> None:
        """Tells the state of the session, and of a link."""

    def send_transfer(self, handle: int, message: bytes, *, settled: bool) -> None:
        """Sends one message in as many frames as the client's frame size asks for."""

    def response_link(self, node: str) -> Answering | None:
        """The link that carries a node's answers, None where the client has attached none."""

    def forget(self, handle: int) -> None:
        """Drops a link that the server detaches."""
