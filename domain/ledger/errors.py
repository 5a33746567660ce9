"""Errors of the ledger: what it refuses, and what it cannot make sense of."""

from domain.errors import InvalidCommand, Refused


class HoldNotExpired(InvalidCommand):
    code = "HOLD_NOT_EXPIRED"
    template = "hold {hold} expires {expires_at}, it is {at}"


class InvalidAmount(InvalidCommand):
    code = "INVALID_AMOUNT"
    template = "an amount is an integer from 1 to {largest} in minor units, not {amount}"


class InvalidAsset(InvalidCommand):
    code = "INVALID_ASSET"
    template = "an asset is a code and a scale, such as EUR/2, not {asset}"


class InvalidExpiry(InvalidCommand):
    code = "INVALID_EXPIRY"
    template = "a hold placed at {at} expires later than that, not at {expires_at}"


class ReasonRequired(InvalidCommand):
    code = "REASON_REQUIRED"
    template = "say why: the reason stays with the event"


class AccountNotFound(Refused):
    code = "ACCOUNT_NOT_FOUND"
    template = "there is no account {account}: open it first"


class AccountExists(Refused):
    code = "ACCOUNT_EXISTS"
    template = "account {account} was opened before: choose another id"


class AccountFrozen(Refused):
    code = "ACCOUNT_FROZEN"
    template = "account {account} is frozen: no new debits and holds until it is unfrozen"


class AccountClosed(Refused):
    code = "ACCOUNT_CLOSED"
    template = "account {account} is closed for good"


class AccountNotEmpty(Refused):
    code = "ACCOUNT_NOT_EMPTY"
    template = "account {account} has {balance} {asset}, of which {held} held: it closes at zero"


class AssetMismatch(Refused):
    code = "ASSET_MISMATCH"
    template = "account {account} keeps {kept}, not {asset}"


class BalanceTooLarge(Refused):
    code = "BALANCE_TOO_LARGE"
    template = "{amount} on top of {balance} {asset} is over {largest}, the largest balance that JSON keeps exact"


class InsufficientFunds(Refused):
    code = "INSUFFICIENT_FUNDS"
    template = "{amount} {asset} asked, {available} available"


class LimitExceeded(Refused):
    code = "LIMIT_EXCEEDED"
    template = "{amount} asked after {debited} counted, and {limit} allows {allowed}"


class HoldNotFound(Refused):
    code = "HOLD_NOT_FOUND"
    template = "there never was a hold {hold}"


class HoldNotActive(Refused):
    code = "HOLD_NOT_ACTIVE"
    template = "hold {hold} has ended: captured, released or expired"


class HoldOfTransfer(Refused):
    code = "HOLD_OF_TRANSFER"
    template = "hold {hold} belongs to transfer {transfer} and ends with it"


class CaptureExceedsHold(Refused):
    code = "CAPTURE_EXCEEDS_HOLD"
    template = "{amount} is more than the {held} of hold {hold}"


class TooManyHolds(Refused):
    code = "TOO_MANY_HOLDS"
    template = "account {account} has {largest} open holds, the most that it can have: capture or release one first"


class TransferNotFound(Refused):
    code = "TRANSFER_NOT_FOUND"
    template = "there is no transfer {transfer}"


class TransferExists(Refused):
    code = "TRANSFER_EXISTS"
    template = "transfer {transfer} was requested before: choose another id"


class TransferNotCompleted(Refused):
    code = "TRANSFER_NOT_COMPLETED"
    template = "transfer {transfer} is {status}: only a completed one can be reversed"


class TransferSettled(Refused):
    code = "TRANSFER_SETTLED"
    template = "transfer {transfer} is {status} already"


class TransferGivenUp(Refused):
    code = "TRANSFER_GIVEN_UP"
    template = "transfer {transfer} was given up before this step of it"


class SameAccount(Refused):
    code = "SAME_ACCOUNT"
    template = "account {account} cannot be both source and target"


class AlreadyReversed(Refused):
    code = "ALREADY_REVERSED"
    template = "transfer {transfer} is reversed by {by}"


class ReversalMismatch(Refused):
    code = "REVERSAL_MISMATCH"
    template = "a reversal of {transfer} moves {amount} {asset} from {source} to {target}, all of it and back"
