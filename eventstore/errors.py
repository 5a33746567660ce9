"""What the event store can answer instead of an outcome. Each error says what happened, on what, and what to do.

    StoreError
    ├── SettingsError        a setting is missing or wrong; names the variable
    ├── Refusals before anything is sent
    │   ├── CommandInvalid       an id that cannot be a command's id
    │   ├── NameInvalid          a name that Cosmos DB or the hub does not take
    │   ├── TooManyEvents        more events than one transaction holds
    │   ├── EventTooLarge        more bytes than an item or a request holds
    │   ├── EventNotStorable     a value that has no place in a stored event
    │   └── NotSupported         something Cosmos DB cannot do; names the alternative
    ├── Answers of the log
    │   ├── VersionConflict      another writer was there first
    │   ├── VersionMismatch      the stream is not at the version that the caller expected
    │   ├── CommandReused        the same command id with another content
    │   ├── StoreBusy            too much contention or throttling; the command may have taken effect, so repeat it
    │   └── StoreUnavailable     no answer; the same
    ├── Stored data
    │   ├── MalformedDocument    not a document of this store
    │   ├── UnknownEventType     no class is registered for a stored type
    │   └── UnknownSchema        stored by a newer class than the one that runs
    ├── Keys of personal data
    │   ├── MasterKeyUnusable    the master key is not there, not allowed, or another one
    │   └── KeysUnavailable      no answer from the keys; this attempt recorded nothing
    └── InvalidPosition      not a position token of this store

Those that mean something to users of the eventsourcing library are also the library's: a `VersionConflict` is its
`IntegrityError`, and so on.
"""

from eventsourcing.persistence import (
    DataError,
    IntegrityError,
    MapperDeserialisationError,
    NotSupportedError,
    OperationalError,
)


class StoreError(Exception):
    """The root of the tree."""


class SettingsError(StoreError):
    """A setting is missing or wrong; the message names its environment variable and what it may be."""


class CommandInvalid(StoreError):
    """The id of a command is empty, too long, or holds a character that ids may not have."""


class NameInvalid(StoreError, DataError):
    """A name (of a stream, a document, a partition) is one that Cosmos DB or Event Hubs does not take."""

    def __init__(self, what: str, shown: str, fault: str, rule: str) -> None:
        super().__init__(f"{what} {shown} {fault}: {rule}; choose another name, or a digest of this one")


class TooManyEvents(StoreError, DataError):
    """One command triggered more events than one transaction holds."""

    def __init__(self, stream: str, events: int, limit: int) -> None:
        super().__init__(
            f"{events} events for stream {stream} in one transaction, Cosmos DB takes {limit}: split the command"
        )
        self.events = events
        self.limit = limit


class EventTooLarge(StoreError, DataError):
    """An event, or all events of one command together, are larger than Cosmos DB takes."""

    def __init__(self, stream: str, what: str, size: int, limit: int) -> None:
        super().__init__(
            f"{what} of stream {stream}: {size} bytes, Cosmos DB takes {limit}: "
            "keep large content elsewhere and its address in the event"
        )
        self.size = size
        self.limit = limit


class EventNotStorable(StoreError, DataError):
    """An event holds a value that stored events do not have."""


class NotSupported(StoreError, NotSupportedError):
    """Cosmos DB cannot do this; the message names what to use instead."""


class VersionConflict(StoreError, IntegrityError):
    """Another writer appended this version first, or the same command was recorded before."""

    def __init__(self, stream: str, version: int) -> None:
        super().__init__(f"version {version} of stream {stream} is taken: load the stream again and decide again")
        self.stream = stream
        self.version = version


class VersionMismatch(StoreError):
    """The stream is not at the version that the caller made a condition; nothing was recorded."""

    def __init__(self, stream: str, expected: int, actual: int) -> None:
        super().__init__(f"stream {stream} is at version {actual}, not {expected}")
        self.stream = stream
        self.expected = expected
        self.actual = actual


class CommandReused(StoreError):
    """The id of a recorded command came again with another content."""

    def __init__(self, stream: str, command_id: str) -> None:
        super().__init__(
            f"command {command_id} on stream {stream} was recorded with another content: use a new id for a new command"
        )
        self.stream = stream
        self.command_id = command_id


class StoreBusy(StoreError, OperationalError):
    """Too many writers on one stream, or too little throughput. Repeat the command later with the same id.

    It may have taken effect: before the last answer, a throttled one, the SDK may have sent the same request without a
    word and lost the answer; and "there already" may be said of the command itself.
    """

    def __init__(self, stream: str, why: str) -> None:
        super().__init__(
            f"stream {stream} is busy ({why}), the command may have taken effect: repeat it later, with the same id"
        )
        self.stream = stream


class StoreUnavailable(StoreError, OperationalError):
    """No answer. The command may have taken effect: repeat it with the same id and it takes effect exactly once."""

    def __init__(self, stream: str, attempts: int) -> None:
        super().__init__(
            f"no answer for stream {stream} after {attempts} attempts, the command may have taken effect: "
            "repeat it with the same id"
        )
        self.stream = stream


class MalformedDocument(StoreError):
    """A document in the container is not one that this store writes."""


class UnknownEventType(StoreError, MapperDeserialisationError):
    """No class is registered for the type of a stored event."""

    def __init__(self, stream: str, version: int, type_name: str) -> None:
        super().__init__(
            f"event {version} of stream {stream} has type {type_name!r}, for which no class is registered: "
            "import the module of the class, or register the old name for its new class with register_topic()"
        )


class UnknownSchema(StoreError, MapperDeserialisationError):
    """A stored event has a newer schema than its class."""

    def __init__(self, stream: str, version: int, type_name: str, schema: int, known: int) -> None:
        super().__init__(
            f"event {version} of stream {stream} ({type_name}) has schema {schema}, this program knows up to {known}: "
            "deploy the newer version"
        )


class MasterKeyUnusable(StoreError):
    """The master key of personal data cannot be read or used, or is not the one that wrapped a data key."""


class KeysUnavailable(StoreError, OperationalError):
    """The keys of personal data do not answer now. This attempt recorded nothing: repeat it with the same id."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the keys of personal data are not to be had ({why}): repeat the request later")


class InvalidPosition(StoreError):
    """A position token is not one of this store."""
