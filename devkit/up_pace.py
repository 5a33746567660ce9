"""Keeps the consumers of a local run from polling after every single command.

API and consumers share one interpreter here. A consumer's round (read, renew, write, checkpoint) costs nearly the same
for one event as for a hundred. So while every read finds something the pauses between them grow, which leaves the time
to the commands; as soon as a read finds nothing they are gone, and the next event is seen at once.
"""

import threading
import time
from typing import Any

from azure.core.pipeline.transport import HttpRequest, HttpResponse

from devkit.cosmos import LocalCosmos
from devkit.cosmos.transport import InProcessTransport

__all__ = ["PacedFeed"]

_CHANGE_FEED = "A-IM"  # only requests for the change feed carry this header
_NOTHING_NEW = 304
_FIRST_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.5


class PacedFeed(InProcessTransport):
    """The in-process transport of a worker, whose threads each read the feed for one consumer."""

    def __init__(self, cosmos: LocalCosmos) -> None:
        super().__init__(cosmos.exchange)
        self._of_thread = threading.local()

    def send(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if _CHANGE_FEED not in request.headers:
            return super().send(request, **kwargs)
        pause: float = getattr(self._of_thread, "pause", 0.0)
        time.sleep(pause)
        response = super().send(request, **kwargs)
        longer = min(max(2 * pause, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)
        self._of_thread.pause = 0.0 if response.status_code == _NOTHING_NEW else longer
        return response
