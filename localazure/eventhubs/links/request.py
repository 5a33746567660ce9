"""Requests to $cbs and $management and their answers, as messages.

A request carries its arguments as application properties and has a message-id, which the answer repeats, type and
all, as its correlation-id. Answers carry `status-code` (int) and `status-description`. There is no reply-to: the
answer goes over the reading link that the same session opened to the same node.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from localazure.amqp.decode import decode, items
from localazure.amqp.encode import NULL, int32, section, sequence, string, text_map
from localazure.amqp.errors import MalformedValue
from localazure.amqp.message import APPLICATION_PROPERTIES, PROPERTIES, VALUE, sections
from localazure.eventhubs.errors import BadRequest

_CORRELATION_ID = 5
_PROPERTY_COUNT = 13


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `message_id` stays encoded."""

    message_id: bytes
    arguments: Mapping[object, object]
    body: object

    @classmethod
    def read(cls, message: bytes) -> Request:
        """Raises MessageRejected when the bytes are no message, BadRequest when they are no request."""
        message_id, arguments, body = NULL, {}, None
        try:
            for part in sections(message):
                if part.code == PROPERTIES:
                    spans = items(message, part.value)
                    message_id = message[spans[0][0] : spans[0][1]] if spans else NULL
                elif part.code in (APPLICATION_PROPERTIES, VALUE):
                    value = decode(message, part.value)[0]
                    if part.code == VALUE:
                        body = value
                    elif isinstance(value, dict):
                        arguments = value
        except MalformedValue as error:
            raise BadRequest(f"the request cannot be read: {error}") from error
        return cls(message_id, arguments, body)

    def text(self, name: str) -> str:
        """A required string argument. Raises BadRequest."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            raise BadRequest(f"the request's application property {name!r} has to be a string, not {value!r}")
        return value

    def answer(self, status: int, description: str, body: bytes = NULL) -> bytes:
        """The encoded answer; `body` is an encoded value."""
        properties = [NULL] * _PROPERTY_COUNT
        properties[_CORRELATION_ID] = self.message_id
        details = text_map({"status-code": int32(status), "status-description": string(description)})
        return (
            section(PROPERTIES, sequence(properties)) + section(APPLICATION_PROPERTIES, details) + section(VALUE, body)
        )
