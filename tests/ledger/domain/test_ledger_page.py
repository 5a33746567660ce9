"""docs/ledger.md says what the code says."""

import inspect
import re
from dataclasses import fields
from pathlib import Path

import pytest

from domain.aggregate import CreatedEvent, DomainEvent
from domain.ledger import Account, DomainError, InvalidCommand, Refused, Subject, Transfer, personal_fields

HERE = Path(__file__).parent
PAGE = (HERE.parents[2] / "docs" / "ledger.md").read_text(encoding="utf-8")
CODE = "\n".join(path.read_text(encoding="utf-8") for path in HERE.glob("*.py"))
AGGREGATES = (Account, Transfer, Subject)


def rows(heading: str) -> list[list[str]]:
    """The cells of the tables under a heading, without their head rows."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return cells[2:]


def events() -> list[type[DomainEvent]]:
    nested = [value for aggregate in AGGREGATES for value in vars(aggregate).values() if inspect.isclass(value)]
    return [value for value in nested if issubclass(value, DomainEvent) and value.__name__ != "Event"]


def codes(base: type[DomainError]) -> set[str]:
    return {
        error.code for error in base.__subclasses__() if error.__module__ in (base.__module__, "domain.ledger.errors")
    }


def test_every_event_is_on_the_page_with_its_fields() -> None:
    common = {field.name for field in fields(CreatedEvent)}
    expected = []
    for event in events():
        personal = personal_fields(event)
        own = [field.name for field in fields(event) if field.name not in common]
        names = ", ".join(f"*{name}*" if name in personal else name for name in own)
        expected.append([event.__qualname__, f"`{event.TOPIC}`", names])
    assert rows("Events") == expected


def test_every_command_is_on_the_page_with_an_event_that_there_is() -> None:
    commands = {
        f"`{aggregate.__name__}.{name}`"
        for aggregate in AGGREGATES
        for name, value in vars(aggregate).items()
        if inspect.isroutine(getattr(aggregate, name))
        and "at" in inspect.signature(getattr(aggregate, name)).parameters
        if not name.startswith("_") and value is not None
    }
    assert {command for command, _ in rows("Commands")} == commands
    assert {event for _, event in rows("Commands")} == {event.__name__ for event in events()}


def test_every_code_is_on_the_page_and_says_whether_it_is_recorded() -> None:
    assert {code for code, recorded, *_ in rows("Refusals") if recorded == "yes"} == codes(Refused)
    assert {code for code, recorded, *_ in rows("Refusals") if recorded == "no"} == codes(InvalidCommand)


@pytest.mark.parametrize("heading", ["Refusals", "Transfers"])
def test_every_test_on_the_page_is_there(heading: str) -> None:
    named = [re.fullmatch(r"`(\w+)`", row[-1]) for row in rows(heading)]
    assert all(match and f"def {match[1]}(" in CODE for match in named)


def test_every_module_is_on_the_page() -> None:
    modules = {path.name for path in (HERE.parents[2] / "domain" / "ledger").glob("*.py")} - {"__init__.py"}
    assert modules == set(re.findall(r"`(\w+\.py)`", PAGE.split("\n## ")[0]))
