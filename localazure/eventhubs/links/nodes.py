"""The nodes $cbs (tokens) and $management (questions about hubs), and the link pairs to them.

Operations and fields: https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide and what
azure-eventhub 5.15 sends and reads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from localazure.amqp.encode import boolean, long, string, string_array, text_map, timestamp
from localazure.amqp.errors import Refusal
from localazure.amqp.performatives import Attach
from localazure.eventhubs.auth import check_token, hub_of
from localazure.eventhubs.errors import BadRequest
from localazure.eventhubs.links.channel import Channel
from localazure.eventhubs.links.link import Delivery, ReceivingLink, SendingLink
from localazure.eventhubs.links.request import Request
from localazure.eventhubs.local import LocalEventHubs

NEVER_MS = -62_135_596_800_000
"""The first instant of year 1: the time of the last event of a partition that never had one."""


class ResponseLink(SendingLink):
    """Carries the answers of one node to one client."""

    def __init__(self, session: Channel, asked: Attach, node: str) -> None:
        super().__init__(session, asked)
        self.node = node
        self._answers: deque[bytes] = deque()

    def answer(self, message: bytes) -> None:
        self._answers.append(message)
        self.wake()

    def wake(self) -> None:
        while self._answers and self.ready:
            self.send_message(self._answers.popleft())


class RequestLink(ReceivingLink):
    """Takes the requests to one node."""

    def __init__(self, session: Channel, asked: Attach, node: str) -> None:
        super().__init__(session, asked)
        self._node = node
        self._operation = _OPERATIONS[node]

    def deliver(self, delivery: Delivery) -> None:
        response = self.session.response_link(self._node)
        try:
            if response is None:
                raise BadRequest(f"requests to {self._node} need a link that reads from {self._node}")
            request = Request.read(delivery.message)
        except Refusal as refusal:
            self.reject(delivery, refusal)
            return
        self.accept(delivery)
        try:
            answer = self._operation(self.session, request)
        except Refusal as refusal:
            # Without an error-condition: azure-eventhub shows the description only when there is none.
            answer = request.answer(refusal.status, refusal.description)
        response.answer(answer)


def put_token(session: Channel, request: Request) -> bytes:
    """Stores a token for a hub: from here on this connection may open links to it."""
    if request.text("operation") != "put-token":
        raise BadRequest(f"$cbs knows put-token, not {request.arguments.get('operation')!r}")
    if not isinstance(request.body, str):
        raise BadRequest("the token has to be the message's value, a string")
    hubs, audience = session.connection.hubs, request.text("name")
    check_token(request.body, audience, hubs.keys)
    session.connection.authorize(hubs.hub(hub_of(audience)).name)
    return request.answer(202, "Accepted")


def read_properties(session: Channel, request: Request) -> bytes:
    """Answers what a hub or a partition is like."""
    hubs, name = session.connection.hubs, request.text("name")
    if request.text("operation") != "READ":
        raise BadRequest(f"$management knows READ, not {request.arguments.get('operation')!r}")
    check_token(request.text("security_token"), f"sb://local/{name}", hubs.keys)
    kind = request.text("type")
    if kind == "com.microsoft:eventhub":
        return request.answer(200, "OK", _hub_properties(hubs, name))
    if kind == "com.microsoft:partition":
        return request.answer(200, "OK", _partition_properties(hubs, name, request.text("partition")))
    raise BadRequest(f"$management reads com.microsoft:eventhub and com.microsoft:partition, not {kind!r}")


def _hub_properties(hubs: LocalEventHubs, name: str) -> bytes:
    hub = hubs.hub(name)
    return text_map(
        {
            "name": string(hub.name),
            "created_at": timestamp(hub.created_ms),
            "partition_ids": string_array([str(partition.number) for partition in hub.partitions]),
        }
    )


def _partition_properties(hubs: LocalEventHubs, name: str, number: str) -> bytes:
    hub = hubs.hub(name)
    partition = hub.partition(number)
    tail = partition.tail
    return text_map(
        {
            "name": string(hub.name),
            "partition": string(number),
            "begin_sequence_number": long(partition.first),
            "last_enqueued_sequence_number": long(tail.next_sequence - 1),
            "last_enqueued_offset": string(str(tail.last_offset)),
            "last_enqueued_time_utc": timestamp(tail.last_ms if tail.next_sequence else NEVER_MS),
            "is_partition_empty": boolean(partition.empty),
        }
    )


Operation: TypeAlias = "Callable[[Channel, Request], bytes]"
_OPERATIONS: dict[str, Operation] = {"$cbs": put_token, "$management": read_properties}
NODES = frozenset(_OPERATIONS)
