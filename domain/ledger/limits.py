"""What may leave an account: at most so much per debit, and so much per UTC day."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Self

from domain.ledger.errors import LimitExceeded
from domain.ledger.values import MAX_BALANCE
from domain.times import utc


@dataclass(frozen=True)
class Limits:
    """The limits in minor units, None for no limit, and what has counted against the daily one on its latest day.

    A debit counts on the UTC day of its command, a hold on the day it is placed; what a hold gives back on that same
    day counts no more. The day never goes back: a clock that lags behind another cannot spend one day's limit twice.
    Without a limit a day has MAX_BALANCE, so that what has counted is a number that every reader keeps exact.
    """

    per_debit: int | None = None
    per_day: int | None = None
    day: date = date.min
    debited: int = 0

    def check(self, amount: int, at: datetime) -> None:
        """Refuse a debit of `amount` at `at` that goes over a limit."""
        if self.per_debit is not None and amount > self.per_debit:
            raise LimitExceeded(limit="per_debit", amount=amount, debited=0, allowed=self.per_debit)
        debited = self.debit(amount, at).debited - amount
        allowed = MAX_BALANCE if self.per_day is None else self.per_day
        if debited + amount > allowed:
            raise LimitExceeded(limit="per_day", amount=amount, debited=debited, allowed=allowed)

    def debit(self, amount: int, at: datetime) -> Self:
        """The limits after a debit of `amount` at `at`."""
        day = utc(at).date()
        if day > self.day:
            return replace(self, day=day, debited=amount)
        return replace(self, debited=self.debited + amount)

    def give_back(self, amount: int, day: date) -> Self:
        """The limits after `amount` of what counted on `day` was not debited after all."""
        return replace(self, debited=self.debited - amount) if day == self.day else self
