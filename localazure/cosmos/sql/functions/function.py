"""One function: what it computes, how many arguments it takes, what undefined arguments do to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localazure.cosmos.sql.values import UNDEFINED, is_number

Evaluate = Callable[[tuple[Any, ...]], Any]


@dataclass(frozen=True, slots=True)
class Function:
    """``call`` takes the argument values.

    A ``strict`` function is undefined as soon as one argument is, without a call; others get ``UNDEFINED`` passed.
    """

    call: Callable[..., Any]
    least: int
    most: int
    strict: bool = True

    @property
    def arity(self) -> str:
        """How many arguments it takes, in words."""
        most = f"{self.most} argument{'' if self.most == 1 else 's'}"
        return most if self.least == self.most else f"{self.least} to {most}"

    def compile(self, arguments: tuple[Evaluate, ...]) -> Evaluate:
        """The closure of a call with these arguments."""
        call = self.call
        if len(arguments) == 1:
            first = arguments[0]
            if self.strict:
                return lambda row: UNDEFINED if (value := first(row)) is UNDEFINED else call(value)
            return lambda row: call(first(row))
        if not self.strict:
            return lambda row: call(*[argument(row) for argument in arguments])

        def strict(row: tuple[Any, ...]) -> Any:
            values = [argument(row) for argument in arguments]
            return UNDEFINED if UNDEFINED in values else call(*values)

        return strict


def whole(value: Any) -> bool:
    """Whether a value is a number without a fraction."""
    return is_number(value) and value == int(value)
