"""Every request is answered within a minute, whatever happens to the thread that works on it."""

import asyncio
import logging
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.http.liveness import LONGEST, Requests
from functions.http.problems import Problem, problem_response

__all__ = ["Answered"]

_HANGS: Final = (
    "no answer from the database within {seconds:g} s; the command may have taken effect: "
    "send the same request again with the same Idempotency-Key"
)

_log = logging.getLogger(__name__)


class Answered:
    """ASGI middleware: a request that takes longer than `seconds` is answered 503, and goes on without its caller.

    Its thread cannot be ended. It stays among `requests`, where /health/live sees it, until it comes back.
    """

    def __init__(self, app: ASGIApp, requests: Requests, seconds: float = LONGEST) -> None:
        self._app = app
        self._requests = requests
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = f"{scope['method']} {scope['path']}"
        answer = _Answer(send)
        number = self._requests.begin(name)
        work = asyncio.ensure_future(self._app(scope, receive, answer.send))
        work.add_done_callback(lambda _: self._requests.end(number))
        try:
            await asyncio.wait({work}, timeout=self._seconds)
        except asyncio.CancelledError:
            work.cancel()
            raise
        if answer.begun or work.done():  # an answer that is being read, such as an export, may take its time
            self._requests.end(number)
            await work
            return
        _log.error("%s: no answer within %g s: it hangs", name, self._seconds)
        answer.over = True
        work.add_done_callback(_forget)
        await problem_response(Problem("STORE_UNAVAILABLE", _HANGS.format(seconds=self._seconds)), scope["path"])(
            scope, receive, send
        )


class _Answer:
    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = self.over = False

    async def send(self, message: Message) -> None:
        if self.over:
            return
        self.begun = True
        await self._send(message)


def _forget(work: "asyncio.Future[None]") -> None:
    """It came back at last; what it raised, if anything, nobody waits for any more."""
    if not work.cancelled() and (error := work.exception()) is not None:
        _log.error("a request that had hung came back", exc_info=error)
