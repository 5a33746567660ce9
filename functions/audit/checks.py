"""Checks of a domain on the health page: a verdict, and a table that shows what it rests on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from projectors.database import Database
from projectors.views.reader import ViewReader

__all__ = ["Cell", "Check", "Row", "Sources", "Verdict"]

Verdict = Literal["good", "moving", "bad"]


@dataclass(frozen=True, slots=True)
class Sources:
    """What a check may look at. `at_rest`: no consumer was behind the log a moment ago."""

    stores: Database
    views: ViewReader
    now: datetime
    at_rest: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """A text of the table; `stream` is where it leads to, if anywhere. Numbers stand at the right."""

    text: str
    stream: str | None = None
    number: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """`verdict` of the row, and how it is said; empty for rows that need no word."""

    cells: Sequence[Cell]
    verdict: Verdict
    word: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """`look` gives the rows to show; it raises what the store raises. `otherwise` is what is said without any."""

    name: str
    title: str
    hint: str
    columns: Sequence[str]
    look: Callable[[Sources], Sequence[Row]]
    otherwise: str
