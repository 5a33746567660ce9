"""Narration: how a domain tells its events to an auditor. The audit works without one: names of types, and no figures.

NARRATION = Narration(
    categories=("copy",),
    sentence=lambda event: f"Lent to {event.member}" if isinstance(event, Copy.Lent) else Copy.__name__,
    figures=lambda copy: {"renewals": copy.renewals},
)
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Command", "Fact", "Figures", "Narration", "Value"]

Value = str | int | bool | None
"""What a fact of a declared state comes down to."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers of an aggregate after one event, by name; the first is the one that runs down a page."""

    version: int
    recorded_at: str
    values: Mapping[str, int]

    @property
    def running(self) -> int | None:
        """The first of the numbers, None without any."""
        return next(iter(self.values.values()), None)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something to know of an aggregate at a glance; `stream` is where it leads to, if it leads anywhere."""

    title: str
    text: str
    stream: str | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """A command that belongs to a story: on which stream, by which id."""

    stream: str
    id: str


def _name(event: Any) -> str:
    return str(getattr(event, "TOPIC", type(event).__name__))


def _no_figures(_: Any) -> Mapping[str, int]:
    return {}


def _no_unit(_: Any) -> str | None:
    return None


def _nothing(_: Any) -> tuple[Any, ...]:
    return ()


def _no_streams(_stream: str, _fields: Mapping[str, Any]) -> Iterable[str]:
    return ()


def _no_part(_type: str, _fields: Mapping[str, Any]) -> tuple[str, bool] | None:
    return None


def _plain(number: int, _unit: str | None) -> str:
    return f"{number:,}"


def _text(_name: str, value: Value, _unit: str | None) -> str:
    return "none" if value is None else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Narration:
    """What the audit asks of a domain.

    categories      of streams `<category>-<id>`; a bare id that is looked for is one of the first
    sentence        a domain event for people
    figures         of an aggregate: numbers by name, the running one first
    unit            of an aggregate: what its numbers count, e.g. EUR/2
    at_a_glance     of an aggregate: a few facts for the head of its page
    part            of an event, by type and fields: the key of a pair of events that make one row of a page, and
                    whether this one begins it (a hold, and its end)
    leads_to        of an event, by stream and fields: further streams of its story
    commands        of an aggregate: commands on other streams that belong to its story
    number, amount  a number for people, without and with its unit
    shown           a fact of the state for people
    """

    categories: tuple[str, ...] = ()
    sentence: Callable[[Any], str] = _name
    figures: Callable[[Any], Mapping[str, int]] = _no_figures
    unit: Callable[[Any], str | None] = _no_unit
    at_a_glance: Callable[[Any], Iterable[Fact]] = _nothing
    part: Callable[[str, Mapping[str, Any]], tuple[str, bool] | None] = _no_part
    leads_to: Callable[[str, Mapping[str, Any]], Iterable[str]] = _no_streams
    commands: Callable[[Any], Iterable[Command]] = _nothing
    number: Callable[[int, str | None], str] = _plain
    amount: Callable[[int, str | None], str] = _plain
    shown: Callable[[str, Value, str | None], str] = _text
