"""What stops an audit command. Each error says what was asked, on what, and what there is instead.

AuditError
├── NotInHistory          the question has no answer in the log
│   ├── StreamUnknown         no such stream
│   ├── VersionUnknown        the stream has no such version
│   └── BeforeBeginning       the stream did not exist at that time
├── CannotApply           an event is there, but makes no sense after the events before it
├── TraceUnknown          nothing carries that correlation
├── DigestError           a digest cannot be trusted, or not be read
│   ├── DigestUnreadable      not a digest, or its heads are missing or not those that it seals
│   └── SignatureWrong        not signed by the key that is trusted
├── KeyUnusable           a key cannot be read, or is not Ed25519
├── ExportUnreadable      not an export of Tidemark
├── LogBroken             a log that does not verify is not sealed
└── UnknownSubject        there is nothing to forget
"""

from datetime import datetime


class AuditError(Exception):
    """The root of the tree."""


class NotInHistory(AuditError):
    """The question has no answer in the log. An empty answer would look like one."""


class StreamUnknown(NotInHistory):
    """No such stream."""

    def __init__(self, stream: str) -> None:
        super().__init__(f"there is no stream {stream}: streams are called account-<id> or transfer-<id>")
        self.stream = stream


class VersionUnknown(NotInHistory):
    """The stream has no such version."""

    def __init__(self, stream: str, version: int, head: int) -> None:
        super().__init__(f"stream {stream} has versions 1 to {head}, not {version}")
        self.stream = stream
        self.version = version
        self.head = head


class BeforeBeginning(NotInHistory):
    """The stream did not exist at that time."""

    def __init__(self, stream: str, at: datetime, first: str) -> None:
        super().__init__(f"stream {stream} did not exist at {at.isoformat()}: its first event was recorded at {first}")
        self.stream = stream
        self.first = first


class CannotApply(AuditError):
    """An event is there, but makes no sense after the events before it."""

    def __init__(self, stream: str, version: int, why: str) -> None:
        super().__init__(
            f"version {version} of {stream} cannot be applied ({why}): run `tidemark audit verify {stream}`"
        )
        self.version = version


class TraceUnknown(AuditError):
    """Nothing carries that correlation."""

    def __init__(self, correlation: str, where: str) -> None:
        super().__init__(f"nothing in {where} carries correlation {correlation}")
        self.correlation = correlation


class DigestError(AuditError):
    """A digest cannot be trusted, or not be read."""


class DigestUnreadable(DigestError):
    """Not a digest, or its heads are missing or are not those that it seals."""


class SignatureWrong(DigestError):
    """Not signed by the key that is trusted."""


class KeyUnusable(AuditError):
    """A key cannot be read, or is not an Ed25519 key."""


class ExportUnreadable(AuditError):
    """Not an export of Tidemark, or damaged beyond reading."""


class LogBroken(AuditError):
    """A log that does not verify is not sealed: the digest would vouch for it."""


class UnknownSubject(AuditError):
    """Nothing was ever encrypted for a subject of this id."""

    def __init__(self, subject: str) -> None:
        super().__init__(
            f"no text was ever encrypted for {subject}: give the owner of the accounts, not the name of a person"
        )
