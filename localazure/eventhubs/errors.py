"""Why the local Event Hubs refuses: what its own rules add to the errors of AMQP.

    AmqpError                         localazure.amqp.errors
    |- ConfigurationError             hubs, partitions, groups or data directory as configured cannot be served
    `- Refusal                        a request that is understood and denied: condition, HTTP-like status, description
       |- NotFound             404    unknown hub, consumer group or node
       |- Unauthorized         401    no token, wrong key, expired
       |- OutOfRange           400    no such partition
       |- BeyondTheEnd         400    a position behind the last event
       |- BadRequest           400    a filter, address or operation that makes no sense
       |- MessageTooLarge      413    over the size that the attach announced
       |- LinkStolen           409    a receiver with a higher epoch owns the partition
       |- TooManyReceivers     429    five readers of a partition in one consumer group
       `- ServerBusy           503    only ever on purpose (a fault)

Conditions: AMQP 1.0 part 2, section 2.8.14 onwards, and
https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide
"""

from __future__ import annotations

from localazure.amqp.errors import AmqpError, Refusal


class ConfigurationError(AmqpError):
    """The server cannot be set up as asked; the message says what to change."""


class NotFound(Refusal):
    """The hub, consumer group or node is not there.

    The JavaScript SDK gives up only at these words of the service, and takes any others for a passing trouble:
    https://github.com/Azure/azure-sdk-for-js/blob/main/sdk/core/core-amqp/src/errors.ts
    """

    condition = "amqp:not-found"
    status = 404

    def __init__(self, entity: str, hint: str) -> None:
        super().__init__(f"The messaging entity '{entity}' could not be found: {hint}")


class Unauthorized(Refusal):
    """No valid token for the hub."""

    condition = "amqp:unauthorized-access"
    status = 401


class OutOfRange(Refusal):
    """The hub has no such partition."""

    condition = "com.microsoft:argument-out-of-range"
    status = 400


class BeyondTheEnd(Refusal):
    """The position is behind the last event: it belongs to another hub, or to this one before it was made anew.

    Condition and words: https://github.com/Azure/azure-event-hubs-python/issues/13
    """

    condition = "com.microsoft:argument-error"
    status = 400

    def __init__(self, what: str, wanted: int, last: int) -> None:
        super().__init__(
            f"The supplied {what} '{wanted}' is invalid. The last {what} in the system is '{last}'. Was the hub made "
            "anew? Then its old checkpoints have to go."
        )


class BadRequest(Refusal):
    """The request makes no sense as it stands."""

    condition = "amqp:invalid-field"
    status = 400


class MessageTooLarge(Refusal):
    """The message is larger than the link allows; nothing of it was stored."""

    condition = "amqp:link:message-size-exceeded"
    status = 413


class LinkStolen(Refusal):
    """A receiver with an epoch holds the partition."""

    condition = "amqp:link:stolen"
    status = 409


class TooManyReceivers(Refusal):
    """The partition already has as many readers in the consumer group as the service allows."""

    condition = "amqp:resource-limit-exceeded"
    status = 429


class ServerBusy(Refusal):
    """The server pretends to be overloaded."""

    condition = "com.microsoft:server-busy"
    status = 503
