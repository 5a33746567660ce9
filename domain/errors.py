"""Everything that the ledger can answer with "no".

    DomainError
    ├── InvalidCommand            makes no sense, or not yet
    │   ├── HoldNotExpired        too early to release a hold as expired: a matter of time, so no outcome
    │   ├── InvalidAmount         not an int in minor units, or out of range
    │   ├── InvalidAsset          not a code and a scale
    │   ├── InvalidExpiry         a hold that would expire before it begins
    │   ├── InvalidId             not the id of anything
    │   ├── InvalidTime           without a zone, or beyond the years that UTC has
    │   └── ReasonRequired        nobody freezes, unfreezes, closes or reverses without saying why
    └── Refused                   a rule, applied to the state of one stream
        ├── AccountNotFound, AccountExists, AccountFrozen, AccountClosed, AccountNotEmpty
        ├── AssetMismatch, BalanceTooLarge, InsufficientFunds, LimitExceeded
        ├── HoldNotFound, HoldNotActive, HoldOfTransfer, CaptureExceedsHold, TooManyHolds
        └── TransferNotFound, TransferExists, TransferNotCompleted, TransferSettled, TransferGivenUp,
            SameAccount, AlreadyReversed, ReversalMismatch

An `InvalidCommand` is answered and forgotten. A `Refused` is an outcome: whoever runs the command records it, and that
command is never accepted later.
"""

from typing import ClassVar


class DomainError(Exception):
    """A command was not accepted, and nothing changed.

    `code` is stable and for programs, `message` is for people; `details` are the facts in it, JSON-native.
    """

    code: ClassVar[str]
    template: ClassVar[str]

    def __init__(self, **details: str | int) -> None:
        self.message = self.template.format(**details)
        self.details = details
        super().__init__(self.message)


class InvalidCommand(DomainError):
    """The command makes no sense, or not yet. Nothing is recorded: sent again it may be accepted."""


class Refused(DomainError):
    """A rule refuses the command in the present state of its stream."""


class InvalidId(InvalidCommand):
    code = "INVALID_ID"
    template = "an id is 1 to 64 letters, digits, '.', '_' and '-', the first a letter or digit, not {id}"


class InvalidTime(InvalidCommand):
    code = "INVALID_TIME"
    template = "a time has its zone and lies in the years 1 to 9999 of UTC, not {time}"
