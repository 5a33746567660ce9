"""What the handlers work with. functions.composition puts it together; tests put together their own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel

from eventstore.commands.store import CommandStore, Outcome
from eventstore.log.history import History
from functions.http.auth import Authenticator
from functions.http.clock import Clock
from functions.http.liveness import Requests
from functions.http.personal import PersonalTexts
from functions.settings import Settings
from projectors.views.reader import ViewReader

__all__ = ["Dependencies", "Injected", "OnOutcome"]

OnOutcome = Callable[[str, BaseModel | None, Outcome], None]


@dataclass(frozen=True, slots=True)
class Dependencies:
    """`on_outcome(operation, body, outcome)` is told of every command that ended in one; it must not block."""

    settings: Settings
    authenticator: Authenticator
    clock: Clock
    store: CommandStore
    history: History
    views: ViewReader
    personal: PersonalTexts
    on_outcome: OnOutcome = lambda _operation, _body, _outcome: None
    requests: Requests = field(default_factory=Requests)
    """Those under way, in all apps of the process."""


async def _services(request: Request) -> Dependencies:
    services: Dependencies = request.app.state.services
    return services


Injected = Annotated[Dependencies, Depends(_services)]
