"""A bare AMQP client for what the SDK never does: it blocks, has one session, and shows every frame."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from azure.eventhub._client_base import _generate_sas_token

from localazure.amqp.decode import decode
from localazure.amqp.encode import (
    FALSE,
    NULL,
    TRUE,
    binary,
    boolean,
    composite,
    long,
    mapping,
    section,
    sequence,
    string,
    symbol,
    symbol_array,
    text_map,
    ubyte,
    uint,
    ushort,
)
from localazure.amqp.frames import AMQP_HEADER, SASL_HEADER, FrameBuffer, frame
from localazure.amqp.message import APPLICATION_PROPERTIES, sections
from localazure.amqp.performatives import ATTACH, BEGIN, CLOSE, DETACH, DISPOSITION, END, FLOW, OPEN, TRANSFER
from localazure.amqp.performatives import Performative as Received
from localazure.eventhubs import RunningServer

SOURCE, TARGET = 0x28, 0x29
BATCH = 0x80013700


@dataclass
class Wire:
    """One connection to a server."""

    server: RunningServer
    stream: socket.socket
    frames: FrameBuffer
    detaches: deque[Received] = field(default_factory=deque)

    def write(self, body: bytes, payload: bytes = b"", channel: int = 0) -> None:
        self.stream.sendall(frame(channel, body, payload))

    def read(self, code: int | None = None) -> Received:
        """The next frame; with a code, the next one of that kind. Of what comes before it, only detaches are kept."""
        if code == DETACH and self.detaches:
            return self.detaches.popleft()
        while True:
            received = self.frames.next()
            if received is None:
                data = self.stream.recv(65536)
                if not data:
                    raise ConnectionError("the server hung up")
                self.frames.feed(data)
            elif received.kind == 0 and received.body:
                performative = Received.read(received.body)
                if code in (None, performative.code):
                    return performative
                if performative.code == DETACH:
                    self.detaches.append(performative)

    def authorize(self, hub: str = "orders", policy: str = "RootManageSharedAccessKey", key: str = "SAS_KEY_VALUE"):
        audience = f"sb://localhost/{hub}"
        token = _generate_sas_token(audience, policy, key).token
        return self.ask("$cbs", {"operation": "put-token", "name": audience}, string(token))

    def ask(self, node: str, arguments: dict[str, str], body: bytes = NULL) -> tuple[int, str]:
        """Status and description of the answer."""
        self.attach(200, node, receives=True)
        self.attach(201, node)
        self.credit(200, 10)
        properties = section(0x73, sequence([string(str(uuid4()))]))
        named = section(0x74, text_map({name: string(value) for name, value in arguments.items()}))
        self.transfer(201, properties + named + section(0x77, body))
        answer = self.read(TRANSFER).payload
        self.detach(200)
        self.detach(201)
        (part,) = (part for part in sections(answer) if part.code == APPLICATION_PROPERTIES)
        details = decode(answer, part.value)[0]
        assert isinstance(details, dict)
        return details["status-code"], details["status-description"]

    def attach(
        self,
        handle: int,
        address: str,
        *,
        receives: bool = False,
        selector: str | None = None,
        epoch: int | None = None,
        capabilities: Sequence[str] = (),
    ) -> Received:
        """The server's answering attach."""
        filters = NULL
        if selector is not None:
            name = symbol("apache.org:selector-filter:string")
            filters = mapping([name, b"\x00" + name + string(selector)])
        ends = [string(address), *[NULL] * 6, filters, NULL, NULL, NULL]
        self.write(
            composite(
                ATTACH,
                [
                    string(f"link-{handle}-{uuid4()}"),
                    uint(handle),
                    boolean(receives),
                    ubyte(0),
                    ubyte(0),
                    composite(SOURCE, ends) if receives else composite(SOURCE, [string("here")]),
                    composite(TARGET, [string("here")]) if receives else composite(TARGET, ends[:1]),
                    NULL,
                    NULL,
                    NULL if receives else uint(0),
                    NULL,
                    NULL,
                    symbol_array(list(capabilities)) if capabilities else NULL,
                    mapping([symbol("com.microsoft:epoch"), long(epoch)]) if epoch is not None else NULL,
                ],
            )
        )
        return self.read(ATTACH)

    def detach(self, handle: int) -> None:
        self.write(composite(DETACH, [uint(handle), TRUE, NULL]))
        self.read(DETACH)

    def credit(
        self,
        handle: int | None,
        credit: int = 0,
        *,
        seen: int = 0,
        window: int = 1000,
        received: int = 0,
        drain: bool = False,
        echo: bool = False,
    ) -> None:
        link = [NULL] * 3 if handle is None else [uint(handle), uint(seen), uint(credit)]
        self.write(
            composite(
                FLOW,
                [
                    uint(received),
                    uint(window),
                    uint(0),
                    uint(1000),
                    *link,
                    NULL,
                    boolean(drain),
                    boolean(echo),
                    NULL,
                ],
            )
        )

    def transfer(
        self,
        handle: int,
        payload: bytes,
        *,
        number: int = 0,
        message_format: int = 0,
        more: bool = False,
        settled: bool = False,
        aborted: bool = False,
    ) -> None:
        fields = [
            uint(handle),
            uint(number),
            binary(number.to_bytes(4, "big")),
            uint(message_format),
            boolean(settled),
            boolean(more),
            *[NULL] * 3,
            boolean(aborted),
            NULL,
        ]
        self.write(composite(TRANSFER, fields), payload)

    def outcome(self) -> tuple[int, str, str]:
        """State, condition and description of the next disposition; the latter empty when accepted."""
        state = self.read(DISPOSITION).get(4)
        if not state.value:
            return state.descriptor, "", ""
        fields = state.value[0].value
        return state.descriptor, fields[0], fields[1]

    def detached(self) -> tuple[str, str]:
        """Condition and description of the next detach."""
        fields = self.read(DETACH).get(2).value
        return fields[0], fields[1]

    def disposition(self, first: int, last: int) -> None:
        self.write(composite(DISPOSITION, [TRUE, uint(first), uint(last), FALSE, NULL, FALSE]))

    def end(self, channel: int = 0) -> None:
        self.write(composite(END, [NULL]), channel=channel)

    def closed(self) -> tuple[str, str]:
        """Condition and description of the close frame."""
        fields = self.read(CLOSE).get(0).value
        return fields[0], fields[1]


@contextmanager
def connect(server: RunningServer, *, max_frame: int = 65536, idle_ms: int | None = None) -> Iterator[Wire]:
    """An open connection with a session and no token yet."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as stream:
        wire = Wire(server, stream, FrameBuffer(1 << 20))
        stream.sendall(SASL_HEADER)
        stream.sendall(frame(0, composite(0x41, [symbol("ANONYMOUS"), NULL, NULL]), kind=1))
        stream.sendall(AMQP_HEADER)
        idle = NULL if idle_ms is None else uint(idle_ms)
        wire.write(composite(OPEN, [string("wire"), NULL, uint(max_frame), ushort(10), idle, *[NULL] * 5]))
        wire.write(composite(BEGIN, [NULL, uint(0), uint(1000), uint(1000), uint(255), NULL, NULL, NULL]))
        wire.read(BEGIN)
        yield wire


def message(body: str | bytes, *, key: str | None = None) -> bytes:
    """An event as the SDK would encode it."""
    raw = body.encode() if isinstance(body, str) else body
    annotations = section(0x72, mapping([symbol("x-opt-partition-key"), string(key)])) if key else b""
    return annotations + section(0x75, binary(raw))


def batch(*messages: bytes) -> bytes:
    return b"".join(section(0x75, binary(part)) for part in messages)


def body_of(payload: bytes) -> str:
    """The text of an event's last section."""
    return decode(payload, sections(payload)[-1].value)[0].decode()
