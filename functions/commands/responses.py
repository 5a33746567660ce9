"""Responses of commands: ETag, Location, position token, replay mark."""

import orjson
from starlette.responses import Response

from eventstore.commands.store import Outcome
from functions.http.headers import POSITION, REPLAYED
from functions.http.problems import Problem

__all__ = ["respond"]


def respond(outcome: Outcome, *, status: int = 200, location: str | None = None) -> Response:
    """The answer to an accepted command: the facts kept with it, and the version it led to.

    Raises:
        Problem: the outcome is a refusal, now or when the key was first used.
    """
    headers = {POSITION: outcome.position}
    if outcome.replayed:
        headers[REPLAYED] = "true"
    if outcome.refusal is not None:
        refusal = outcome.refusal
        raise Problem(refusal.code, refusal.message, refusal.details, headers=headers)
    headers["ETag"] = f'"{outcome.version}"'
    if location is not None:
        headers["Location"] = location
    body = {**outcome.answer, "version": outcome.version}
    return Response(orjson.dumps(body), status, headers=headers, media_type="application/json")
