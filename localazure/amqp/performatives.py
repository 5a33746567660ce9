"""The frame bodies of AMQP 1.0 (part 2, section 2.7): what the server reads and what it writes.

Reading takes the raw body apart into spans first, so that a terminus can be echoed byte for byte. Writing always
fills every field (open 10, begin 8, attach 14, flow 11, disposition 6, detach 3, error 3): azure-eventhub reads by
position.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from localazure.amqp.decode import Described, Symbol, decode, items, skip
from localazure.amqp.encode import NULL, boolean, composite, string, symbol, symbol_array, uint, ulong, ushort
from localazure.amqp.errors import MalformedValue

OPEN, BEGIN, ATTACH, FLOW, TRANSFER, DISPOSITION, DETACH, END, CLOSE = range(0x10, 0x19)
ERROR, ACCEPTED, REJECTED = 0x1D, 0x24, 0x25
SASL_MECHANISMS, SASL_OUTCOME = 0x40, 0x44

MAX_FRAME = 65536
MAX_MESSAGE = 1048576
CHANNEL_MAX = 255
HANDLE_MAX = 255
WINDOW = 5000
IDLE_MS = 120_000


@dataclass(frozen=True, slots=True)
class Performative:
    """A received frame body: its code, the raw fields, and the payload behind them (transfers only)."""

    code: int
    fields: tuple[bytes, ...]
    payload: bytes = b""

    @classmethod
    def read(cls, body: bytes) -> Performative:
        """Raises MalformedValue when the body is no described list."""
        if len(body) < 3 or body[0] != 0:
            raise MalformedValue("a frame does not start with a performative")
        code, position = decode(body, 1)
        if not isinstance(code, int):
            raise MalformedValue(f"a performative is described by {code!r} instead of its code")
        spans = items(body, position)
        fields = tuple(body[start:end] for start, end in spans)
        return cls(code, fields, body[skip(body, position) :] if code == TRANSFER else b"")

    def raw(self, index: int) -> bytes:
        """The encoded field, an encoded null where it was left out."""
        return self.fields[index] if index < len(self.fields) else NULL

    def get(self, index: int) -> object:
        return decode(self.fields[index])[0] if index < len(self.fields) else None

    def number(self, index: int, default: int = 0) -> int:
        value = self.get(index)
        return value if isinstance(value, int) else default

    def flag(self, index: int) -> bool:
        return self.get(index) is True

    def text(self, index: int) -> str:
        value = self.get(index)
        return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Attach:
    """What a client asks for when it opens a link."""

    name: str
    handle: int
    receives: bool
    """True when the client reads, so that the server is the link's sender."""
    settle_mode: bytes
    receiver_settle_mode: bytes
    source: bytes
    target: bytes
    initial_delivery_count: int
    capabilities: tuple[str, ...]
    properties: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, frame: Performative) -> Attach:
        wanted = frame.get(12)
        names = wanted if isinstance(wanted, list) else [wanted]
        properties = frame.get(13)
        return cls(
            name=frame.text(0),
            handle=frame.number(1),
            receives=frame.flag(2),
            settle_mode=frame.raw(3),
            receiver_settle_mode=frame.raw(4),
            source=frame.raw(5),
            target=frame.raw(6),
            initial_delivery_count=frame.number(9),
            capabilities=tuple(name for name in names if isinstance(name, Symbol)),
            properties={str(key): value for key, value in properties.items()} if isinstance(properties, dict) else {},
        )

    @property
    def terminus(self) -> list[object]:
        """The fields of the server's end: the source of a reading link, the target of a writing one."""
        value, _ = decode(self.source if self.receives else self.target)
        if isinstance(value, Described) and isinstance(value.value, list):
            return value.value
        return []

    @property
    def address(self) -> str:
        fields = self.terminus
        return fields[0] if fields and isinstance(fields[0], str) else ""


def error(condition: str, description: str) -> bytes:
    return composite(ERROR, [symbol(condition), string(description), NULL])


def open_frame(container: str) -> bytes:
    return composite(
        OPEN,
        [string(container), NULL, uint(MAX_FRAME), ushort(CHANNEL_MAX), uint(IDLE_MS), *[NULL] * 5],
    )


def begin_frame(remote_channel: int, next_outgoing_id: int) -> bytes:
    return composite(
        BEGIN,
        [
            ushort(remote_channel),
            uint(next_outgoing_id),
            uint(WINDOW),
            uint(WINDOW),
            uint(HANDLE_MAX),
            NULL,
            NULL,
            NULL,
        ],
    )


def attach_frame(asked: Attach, offered: tuple[str, ...] = (), *, refused: bool = False) -> bytes:
    """The answer to an attach; `refused` leaves the server's terminus out, and a detach has to follow."""
    return composite(
        ATTACH,
        [
            string(asked.name),
            uint(asked.handle),
            boolean(not asked.receives),
            asked.settle_mode,
            asked.receiver_settle_mode,
            NULL if refused and asked.receives else asked.source,
            NULL if refused and not asked.receives else asked.target,
            NULL,
            NULL,
            uint(0) if asked.receives else NULL,
            ulong(MAX_MESSAGE),
            symbol_array(offered) if offered else NULL,
            NULL,
            NULL,
        ],
    )


def flow_frame(incoming_id: int, outgoing_id: int, link: tuple[int, int, int] | None = None) -> bytes:
    """Session window, and with `link` (handle, delivery count, credit) a link's credit."""
    link_fields = [uint(value) for value in link] if link else [NULL] * 3
    return composite(
        FLOW,
        [uint(incoming_id), uint(WINDOW), uint(outgoing_id), uint(WINDOW), *link_fields, *[NULL] * 4],
    )


def disposition_frame(first: int, last: int, state: bytes, *, receiver: bool) -> bytes:
    """Settles deliveries; `receiver` is the server's own role on the link."""
    return composite(DISPOSITION, [boolean(receiver), uint(first), uint(last), boolean(True), state, boolean(False)])


def accepted() -> bytes:
    return composite(ACCEPTED, [])


def rejected(condition: str, description: str) -> bytes:
    return composite(REJECTED, [error(condition, description)])


def detach_frame(handle: int, cause: bytes = NULL, *, closed: bool = True) -> bytes:
    return composite(DETACH, [uint(handle), boolean(closed), cause])


def end_frame() -> bytes:
    return composite(END, [NULL])


def close_frame(cause: bytes = NULL) -> bytes:
    return composite(CLOSE, [cause])


def transfer_head(handle: int, delivery_id: int, *, settled: bool, more: bool) -> bytes:
    """The performative of one transfer frame; its payload follows. Always the same 11 fields and widths."""
    number = delivery_id.to_bytes(4, "big")
    fields = b"\x70%b\x70%b\xa0\x04%b\x43%b%b" % (
        handle.to_bytes(4, "big"),
        number,
        number,
        boolean(settled),
        boolean(more),
    )
    return b"\x00\x53\x14\xc0%c\x0b%b%b" % (len(fields) + 6, fields, NULL * 5)
