"""What the commands share: connecting, and one line per failure with its exit code."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer
from azure.core.exceptions import AzureError
from azure.cosmos import CosmosClient

from audit.errors import AuditError, KeyUnusable
from cli.output import fail
from eventstore.cosmos.client import connect as open_client
from eventstore.cosmos.client import pooled
from eventstore.cosmos.settings import CosmosSettings
from eventstore.errors import SettingsError, StoreError
from eventstore.log.event_log import unanswered
from projectors.database import Database
from projectors.errors import Conflict, PoisonEvent, ProjectionError, Unanswered, UnknownGeneration, UnknownView
from projectors.throughput.limiter import RateLimiter
from projectors.throughput.meter import Meter
from replay.errors import NoSuchMoment, ReplayError
from replay.patient import PatientTransport
from service import SERVICE

_SILENT = "Cosmos DB gives no answer ({}), asked several times: nothing is lost, run the same command again later"

_POISONED = "{}. Mend the view and start again: it goes on from there. --park goes on without the stream."

FAILED, USAGE, POISON, INTERRUPTED = 1, 2, 3, 130

VIEWS = SERVICE.views
NAMES = ", ".join(sorted(VIEWS))

Json = Annotated[bool, typer.Option("--json", help="JSON for machines, one object per line.")]


def _complete_view(incomplete: str) -> list[str]:
    return [name for name in sorted(VIEWS) if name.startswith(incomplete)]


View = Annotated[str, typer.Argument(help=f"One of: {NAMES}.", autocompletion=_complete_view)]
Views = Annotated[list[str] | None, typer.Argument(help=f"Any of: {NAMES}.", autocompletion=_complete_view)]
KeepDays = Annotated[
    float,
    typer.Option(
        help="Days for which a generation that served is kept for an undo.", min=0, envvar="TIDEMARK_KEEP_DAYS"
    ),
]
Generation = Annotated[int | None, typer.Option("--generation", help="Another generation than the one that serves.")]


def connect(allowance: RateLimiter | None = None) -> tuple[CosmosClient, str]:
    """The client and the database that the environment names (COSMOS_…); `allowance` limits its request units.

    A read that is not answered is asked again for a while.
    """
    settings = CosmosSettings.load()
    transport = PatientTransport(pooled(settings.pool_size))
    return open_client(settings, transport=transport, observer=allowance), settings.database


def open_stores(allowance: RateLimiter | None = None) -> Database:
    """The containers, for commands that need no more."""
    client, database = connect(allowance)
    return Database.open(client, database, meter=Meter(allowance))


def now() -> datetime:
    return datetime.now(UTC)


def _refused(error: BaseException) -> str:
    said = str(getattr(error, "message", "") or error).splitlines()[0]
    silent = isinstance(error, AzureError) and unanswered(error)
    return _SILENT.format(said) if silent else f"Cosmos DB refuses the request: {said}"


_FAILURES: tuple[tuple[type[BaseException], int, Callable[[BaseException], str]], ...] = (
    (PoisonEvent, POISON, _POISONED.format),
    (SettingsError, USAGE, str),
    (UnknownView, USAGE, str),
    (UnknownGeneration, USAGE, str),
    (NoSuchMoment, USAGE, str),
    (KeyUnusable, USAGE, str),
    (Unanswered, FAILED, _SILENT.format),
    (Conflict, FAILED, _SILENT.format),
    (ProjectionError, FAILED, str),
    (ReplayError, FAILED, str),
    (AuditError, FAILED, str),
    (StoreError, FAILED, str),
    (AzureError, FAILED, _refused),
    (KeyboardInterrupt, INTERRUPTED, lambda _: "interrupted; start again and it goes on"),
)
"""What ends a command, the first line that fits: its exit code, and the sentence for standard error."""


@contextmanager
def reported() -> Iterator[None]:
    """Every failure that a person can do something about: one line on standard error, and its exit code."""
    try:
        yield
    except tuple(kind for kind, _, _ in _FAILURES) as error:
        code, sentence = next((code, sentence) for kind, code, sentence in _FAILURES if isinstance(error, kind))
        fail(sentence(error))
        raise typer.Exit(code) from None
