"""How a query wants to read: which consistency, not before which command, and how fresh the answer is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import Depends, Header, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from eventstore.log.position import Position, decode
from functions.http.dependencies import Injected
from functions.http.headers import POSITION
from projectors.views.reader import Freshness
from projectors.views.sums.view import MAX_EXACT

__all__ = ["Exact", "FreshnessAnswer", "Read", "Reading", "reply"]

Token = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[A-Za-z0-9_-]+$")]
_DEFAULT_WAIT_MS = 1_000

Exact = Annotated[
    Annotated[int, Field(ge=-MAX_EXACT, le=MAX_EXACT)] | Annotated[str, Field(pattern=r"^-?[1-9][0-9]{15,}$")],
    Field(description="a whole number; as text beyond 2^53 - 1, where clients would round it"),
]
"""What `projectors.views.sums.view.exact` gives."""


class FreshnessAnswer(BaseModel):
    """How much of the log the answer reflects."""

    version: int = Field(description="last version of the stream that the answer reflects; 0: none")
    recorded_at: datetime | None = Field(description="when that version was recorded")
    age_seconds: float | None = Field(description="seconds since then")
    reached: bool = Field(description="false: the position asked for was not reached in time")
    parked: bool = Field(description="true: an event cannot be applied; later ones are missing until that is mended")
    incomplete: bool = Field(
        description="true: an operator left an event out of the view; what follows from it is missing or wrong, "
        "balances included, until the view is rebuilt"
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """`wait` is in seconds and bounded by the settings."""

    strong: bool
    after: Position | None
    wait: float
    now: datetime

    def of_log(self, version: int, recorded_at: datetime) -> dict[str, Any]:
        """The freshness of something read straight from the log."""
        return _freshness(version, recorded_at, self.now)

    def of_view(self, freshness: Freshness) -> dict[str, Any]:
        recorded = datetime.fromisoformat(freshness.recorded_at) if freshness.recorded_at else None
        return _freshness(
            freshness.version,
            recorded,
            self.now,
            reached=freshness.reached,
            parked=freshness.parked is not None,
            incomplete=freshness.left_out > 0,
        )


def _freshness(
    version: int,
    recorded_at: datetime | None,
    now: datetime,
    *,
    reached: bool = True,
    parked: bool = False,
    incomplete: bool = False,
) -> dict[str, Any]:
    age = None if recorded_at is None else round(max((now - recorded_at).total_seconds(), 0.0), 3)
    found = {"version": version, "recorded_at": recorded_at, "age_seconds": age}
    return found | {"reached": reached, "parked": parked, "incomplete": incomplete}


def reply(body: Mapping[str, Any]) -> Response:
    """A JSON answer; the version that it reflects is its ETag, fit for a command's If-Match."""
    version = body.get("freshness", {}).get("version")
    headers = {} if version is None else {"ETag": f'"{version}"'}
    return Response(orjson.dumps(body), headers=headers, media_type="application/json")


async def _reading(
    services: Injected,
    consistency: Annotated[
        Literal["eventual", "strong"],
        Query(description="eventual: from the view; strong: as the log is now"),
    ] = "eventual",
    after: Annotated[Token | None, Query(description=f"a command's {POSITION}: wait until the view has it")] = None,
    position: Annotated[Token | None, Header(alias=POSITION, description="the same as `after`")] = None,
    wait_ms: Annotated[int, Query(ge=0, le=30_000, description="wait at most so long")] = _DEFAULT_WAIT_MS,
) -> Reading:
    token = after or position
    return Reading(
        strong=consistency == "strong",
        after=decode(token) if token else None,
        wait=min(wait_ms, services.settings.max_wait_ms) / 1000,
        now=services.clock(),
    )


Read = Annotated[Reading, Depends(_reading)]
