"""Why a broker over AMQP refuses, in AMQP's terms, whatever it is a broker of.

    AmqpError                         anything that is raised on purpose
    |- ProtocolError                  the peer broke AMQP 1.0; the connection is closed with a condition
    |  `- MalformedValue              bytes that are no AMQP value
    `- Refusal                        a request that is understood and denied: condition, HTTP-like status, description
       `- MessageRejected      400    an event or batch that is no message

Conditions: AMQP 1.0 part 2, section 2.8.14 onwards.
"""

from __future__ import annotations


class AmqpError(Exception):
    """Base of all errors of a local broker."""


class ProtocolError(AmqpError):
    """The peer broke the protocol; `condition` goes into the close frame."""

    condition = "amqp:connection:framing-error"


class MalformedValue(ProtocolError):
    """Bytes that cannot be read as an AMQP value."""

    condition = "amqp:decode-error"


class Refusal(AmqpError):
    """A denied request; condition and description reach the client in a detach, a disposition or a reply."""

    condition = "amqp:internal-error"
    status = 500

    def __init__(self, description: str, *, condition: str | None = None) -> None:
        super().__init__(description)
        self.description = description
        self.condition = condition or type(self).condition


class MessageRejected(Refusal):
    """What was sent is not a message; nothing of it was stored."""

    condition = "amqp:decode-error"
    status = 400
