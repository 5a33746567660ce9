"""One client's connection: handshake, frames in and out, sessions, idle time-outs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from localazure.amqp.encode import NULL, composite, symbol_array, ubyte
from localazure.amqp.errors import ProtocolError
from localazure.amqp.frames import AMQP_HEADER, EMPTY, SASL_FRAME, SASL_HEADER, Frame, FrameBuffer, frame
from localazure.amqp.performatives import (
    BEGIN,
    CLOSE,
    END,
    MAX_FRAME,
    OPEN,
    SASL_MECHANISMS,
    SASL_OUTCOME,
    Performative,
    close_frame,
    end_frame,
    error,
    open_frame,
)
from localazure.eventhubs.errors import Unauthorized
from localazure.eventhubs.links.session import Session
from localazure.eventhubs.local import LocalEventHubs

SILENCE = 240.0
"""Seconds without a frame after which the server hangs up, twice the idle time-out that it announces."""

_LOG = logging.getLogger(__name__)
_FLUSH_AT = 256 * 1024
_MIN_KEEP_ALIVE = 0.01


class Connection(asyncio.Protocol):
    """The server's end of a connection. All of it runs on the server's loop."""

    def __init__(self, hubs: LocalEventHubs, open_connections: set[Connection]) -> None:
        self.hubs = hubs
        self.writable = True
        self.max_frame = MAX_FRAME
        self._all = open_connections
        self._loop = asyncio.get_running_loop()
        self._frames = FrameBuffer(MAX_FRAME)
        self._sessions: dict[int, Session] = {}
        self._ended: set[int] = set()
        self._authorized: set[str] = set()
        self._out: list[bytes] = []
        self._out_size = 0
        self._held = False
        self._heard = self._loop.time()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"an AMQP connection needs a stream, not {transport!r}")
        self._transport = transport
        self._all.add(self)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio names it)
        self._transport = None
        self._all.discard(self)
        for timer in self._timers.values():
            timer.cancel()
        for session in self._sessions.values():
            session.closed()
        self._sessions.clear()

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        self.writable = True
        for session in tuple(self._sessions.values()):
            session.wake()

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        self._frames.feed(data)
        self._take_frames()

    def write(self, encoded: bytes) -> None:
        """Queues bytes; what one turn of the loop writes leaves in one piece."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(encoded)
        self._out_size += len(encoded)
        if self._out_size >= _FLUSH_AT:
            self._flush()

    def abort(self) -> None:
        """Cuts the connection; what is queued is lost."""
        self._out, self._out_size = [], 0
        if self._transport is not None:
            self._transport.abort()

    def hold(self, delay: float, then: Callable[[], None]) -> None:
        """Hears nothing more from this client until `delay` seconds have passed and `then` has run."""
        self._held = True
        if self._transport is not None:
            self._transport.pause_reading()
        self.later(delay, lambda: self._release(then))

    def later(self, delay: float, then: Callable[[], None]) -> None:
        """Runs `then` after `delay` seconds unless the connection is gone by then."""
        self._loop.call_later(delay, lambda: then() if self._transport is not None else None)

    def authorize(self, hub: str) -> None:
        self._authorized.add(hub.lower())

    def check_authorized(self, hub: str) -> None:
        """Raises Unauthorized unless a token for the hub was put on this connection."""
        if hub.lower() not in self._authorized:
            raise Unauthorized(f"no token was put to $cbs for hub {hub!r} on this connection")

    @property
    def _open_to_frames(self) -> bool:
        """False once the connection was cut or hung up, whatever is still in the buffer."""
        return self._transport is not None and not self._transport.is_closing()

    def _release(self, then: Callable[[], None]) -> None:
        self._held = False
        if self._transport is not None:
            self._transport.resume_reading()
        then()
        self._take_frames()

    def _take_frames(self) -> None:
        try:
            while not self._held and self._open_to_frames and (received := self._frames.next()) is not None:
                self._take(received)
        except ProtocolError as broken:
            _LOG.warning("connection closed: %s", broken)
            self._close(broken.condition, str(broken))

    def _take(self, received: Frame) -> None:
        if received.kind is None:
            self._negotiate(received.body)
        elif received.kind == SASL_FRAME:
            # ANONYMOUS needs nothing: who the client is, its tokens say.
            self.write(frame(0, composite(SASL_OUTCOME, [ubyte(0), NULL]), kind=SASL_FRAME))
        elif received.body:
            self._performative(received.channel, Performative.read(received.body))

    def _negotiate(self, header: bytes) -> None:
        if header == SASL_HEADER:
            self.write(header + frame(0, composite(SASL_MECHANISMS, [symbol_array(["ANONYMOUS"])]), kind=SASL_FRAME))
        elif header == AMQP_HEADER:
            self.write(header)
        else:
            raise ProtocolError(f"protocol header {header!r}; this server speaks AMQP 1.0 with or without SASL")

    def _performative(self, channel: int, received: Performative) -> None:
        if received.code == OPEN:
            self._open(received)
        elif received.code == BEGIN:
            if channel in self._sessions:
                raise ProtocolError(f"a session was already begun on channel {channel}")
            self._ended.discard(channel)
            self._sessions[channel] = Session(self, channel, received)
        elif received.code == CLOSE:
            self._hang_up(close_frame())
        elif channel in self._ended:
            # azure-eventhub detaches its links after it ended their session.
            return
        elif channel not in self._sessions:
            raise ProtocolError(f"no session was begun on channel {channel}")
        elif received.code == END:
            session = self._sessions.pop(channel)
            self._ended.add(channel)
            session.closed()
            session.send(end_frame())
        else:
            self._sessions[channel].handle(received)

    def _open(self, received: Performative) -> None:
        self.max_frame = min(max(received.number(2, MAX_FRAME), 512), MAX_FRAME)
        self.write(frame(0, open_frame("tidemark-eventhubs")))
        idle = received.number(4)
        if idle:
            self._keep_alive(max(idle / 2000, _MIN_KEEP_ALIVE))

    def _keep_alive(self, interval: float) -> None:
        self._timers["keep-alive"] = self._loop.call_later(interval, self._keep_alive, interval)
        self.write(EMPTY)

    def _watch(self) -> None:
        left = self._heard + SILENCE - self._loop.time()
        if left > 0:
            self._timers["silence"] = self._loop.call_later(left, self._watch)
        else:
            self._close("amqp:connection:forced", f"nothing was heard from the client for {SILENCE:.0f} seconds")

    def _close(self, condition: str, description: str) -> None:
        self._hang_up(close_frame(error(condition, description)))

    def _hang_up(self, body: bytes) -> None:
        self.write(frame(0, body))
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def _flush(self) -> None:
        out, self._out, self._out_size = self._out, [], 0
        if out and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(out))
