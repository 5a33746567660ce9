"""What becomes of a hold whose time is over: one command, run by whoever notices."""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import step_id
from domain.ledger.account import Account, account_stream
from domain.ledger.existence import require_account


@dataclass(frozen=True)
class ExpiryStep:
    """The release of one expired hold, as data. Run `decide` on `stream` under `command_id`, at or after its expiry.

    Run it as often as you like: a command id has one outcome for ever. When the hold was captured or released in time,
    that outcome is the refusal HOLD_NOT_ACTIVE, and nothing is left to do.
    """

    account_id: str
    hold_id: int

    @property
    def command_id(self) -> str:
        """The same for ever, for this hold."""
        return step_id("hold", self.hold_id, "expire")

    @property
    def stream(self) -> str:
        """Where the step is decided."""
        return account_stream(self.account_id)

    def decide(self, account: Account | None, *, at: datetime) -> Account:
        """The account with the hold released. Raises the refusal that is then the step's outcome."""
        account = require_account(account, self.account_id)
        account.expire_hold(self.hold_id, at=at)
        return account
