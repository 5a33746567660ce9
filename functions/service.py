"""Service: what one installation is made of.

The machinery takes what it needs of a domain from here, and looks nothing up.

`service.py` at the top of the repository has the value; only entry points read it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from azure.cosmos import CosmosClient
from fastapi import APIRouter
from pydantic import BaseModel

from audit.narration import Narration
from audit.strays import NO_STRAYS, Strays
from domain.errors import Refused
from domain.model import Model
from eventstore.commands.store import CommandStore, Outcome
from functions.audit.checks import Check
from projectors.processes.processes import Processes
from projectors.views.catalog import Views
from projectors.views.view import View

__all__ = ["OpenProcesses", "Service", "no_processes", "outcome_line"]


class OpenProcesses(Protocol):
    """Makes a domain's processes for one database. Sends nothing."""

    def __call__(
        self, client: CosmosClient, database: str, store: CommandStore, *, clock: Callable[[], datetime]
    ) -> Processes: ...


def no_processes(
    client: CosmosClient,  # noqa: ARG001 - a domain without processes needs none of it
    database: str,  # noqa: ARG001
    store: CommandStore,  # noqa: ARG001
    *,
    clock: Callable[[], datetime],  # noqa: ARG001
) -> Processes:
    """No processes at all."""
    return Processes()


def outcome_line(operation: str, body: BaseModel | None, outcome: Outcome) -> str:  # noqa: ARG001 - domains look at bodies
    """A command in one line, for the terminal of a local run: what was done to which stream."""
    line = f"{operation} {outcome.stream}"
    return f"{line}: {outcome.refusal.message}" if outcome.refusal else f"{line} v{outcome.version}"


class Service:
    """One domain, as the rooms need it.

    model        its aggregates
    views        its read models
    processes    makes the consumers that drive its processes
    narration    tells its events to auditors
    strays       knows of texts that are not encrypted for their owner
    health       its checks on the audit's health page
    commands     routers of the command side, and
    queries      of the query side
    refusals     the HTTP status of each code of a refusal
    line         a command in one line, for local runs
    tools        further commands of the command line: names, and the modules that have them as `app`
    about        a sentence of the API's description

    Raises:
        ValueError: two views have one name, or a refusal of the domain has no status.
    """

    def __init__(
        self,
        name: str,
        *,
        model: Model | None = None,
        views: Views | Iterable[View] = (),
        processes: OpenProcesses = no_processes,
        narration: Narration | None = None,
        strays: Strays = NO_STRAYS,
        health: Sequence[Check] = (),
        commands: Sequence[APIRouter] = (),
        queries: Sequence[APIRouter] = (),
        refusals: Mapping[str, int] | None = None,
        line: Callable[[str, BaseModel | None, Outcome], str] = outcome_line,
        tools: Mapping[str, str] | None = None,
        about: str = "",
    ) -> None:
        self.name: Final = name
        self.model: Final = model or Model()
        self.views: Final = views if isinstance(views, Views) else Views(*views)
        self.processes: Final = processes
        self.narration: Final = narration or Narration()
        self.strays: Final = strays
        self.health: Final = tuple(health)
        self.commands: Final = tuple(commands)
        self.queries: Final = tuple(queries)
        self.refusals: Final = dict(refusals or {})
        self.line: Final = line
        self.tools: Final = dict(tools or {})
        self.about: Final = about
        self._check_refusals()

    def _check_refusals(self) -> None:
        """A refusal without a status would show as a failure the first time that it is answered."""
        places = {aggregate.__module__ for aggregate in self.model.aggregates}
        places |= {event.__module__ for view in self.views.values() for event in view.events}
        without = [kind for kind in _refusals(Refused) if _is_of(kind, places) and kind.code not in self.refusals]
        if without:
            named = ", ".join(f"{kind.code} ({kind.__module__}.{kind.__qualname__})" for kind in without)
            raise ValueError(f"{self.name}: no HTTP status for {named}: add a line to `refusals` of the service")


def _refusals(kind: type[Refused]) -> Iterator[type[Refused]]:
    for each in kind.__subclasses__():
        if not each.__subclasses__():
            yield each
        yield from _refusals(each)


def _is_of(kind: type[Refused], places: set[str]) -> bool:
    """Whether a refusal is defined where the domain's aggregates are: in their modules, or beside them in a package."""
    packages = {place.rpartition(".")[0] for place in places} - {"domain"}
    return kind.__module__ in places or any(kind.__module__.startswith(f"{package}.") for package in packages)
