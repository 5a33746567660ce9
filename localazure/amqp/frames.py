"""Frames on the byte stream (AMQP 1.0 part 2, section 2.3): size, data offset, type, channel, body."""

from __future__ import annotations

import struct
from typing import NamedTuple

from localazure.amqp.errors import ProtocolError

AMQP_FRAME, SASL_FRAME = 0, 1
AMQP_HEADER = b"AMQP\x00\x01\x00\x00"
SASL_HEADER = b"AMQP\x03\x01\x00\x00"
HEAD = struct.Struct(">IBBH")
EMPTY = HEAD.pack(8, 2, AMQP_FRAME, 0)

_FOREIGN = {
    b"\x16\x03": (
        "a client speaks TLS to this plain AMQP port: its connection string lacks UseDevelopmentEmulator=true, "
        "or its credential needs use_tls=False"
    ),
    b"GE": "a client speaks HTTP or WebSocket; this server speaks plain AMQP only (TransportType.Amqp)",
}


class Frame(NamedTuple):
    """One frame, or a protocol header (`kind` None, the eight bytes as the body)."""

    kind: int | None
    channel: int
    body: bytes


class FrameBuffer:
    """Collects received bytes and gives back whole frames."""

    def __init__(self, max_frame: int) -> None:
        self._max_frame = max_frame
        self._bytes = bytearray()
        self._started = False

    def feed(self, data: bytes) -> None:
        self._bytes += data

    def next(self) -> Frame | None:
        """The next whole frame, None until more bytes come. Raises ProtocolError for what is no AMQP."""
        if len(self._bytes) < HEAD.size:
            return None
        if not self._started:
            self._check_start()
        if self._bytes.startswith(b"AMQP"):
            return Frame(None, 0, self._take(HEAD.size))
        size, offset, kind, channel = HEAD.unpack_from(self._bytes)
        if size > self._max_frame or offset < 2 or offset * 4 > size:
            raise ProtocolError(f"a frame of {size} bytes with data offset {offset}; at most {self._max_frame} agreed")
        if len(self._bytes) < size:
            return None
        return Frame(kind, channel, self._take(size)[offset * 4 :])

    def _check_start(self) -> None:
        if not self._bytes.startswith(b"AMQP"):
            hint = _FOREIGN.get(bytes(self._bytes[:2]), f"a client starts with {bytes(self._bytes[:8])!r}, not AMQP")
            raise ProtocolError(hint)
        self._started = True

    def _take(self, size: int) -> bytes:
        taken = bytes(self._bytes[:size])
        del self._bytes[:size]
        return taken


def frame(channel: int, body: bytes, payload: bytes = b"", kind: int = AMQP_FRAME) -> bytes:
    """An encoded frame."""
    return HEAD.pack(HEAD.size + len(body) + len(payload), 2, kind, channel) + body + payload
