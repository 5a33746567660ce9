"""Takes up streams that wait in the relay, beside running workers."""

from datetime import datetime
from typing import Any, Final

from azure.eventhub.exceptions import EventHubError

from eventstore.log.history import History
from projectors.errors import BrokenLog, Conflict, NotParked, Unanswered, Unavailable
from projectors.relay.consumer import RELAY, readable
from projectors.relay.parked import ParkedStreams, Waiting
from projectors.relay.publisher import EventHubPublisher
from projectors.relay.send import Sent, Undelivered

_TRIES: Final = 20


class RelayDrain:
    """Sends what waits, out of the log, in order; a stream that is stopped again goes on waiting."""

    def __init__(self, parked: ParkedStreams, history: History, publisher: EventHubPublisher) -> None:
        self._parked = parked
        self._history = history
        self._publisher = publisher

    def retry(self, stream: str) -> dict[str, Any] | None:
        """Sends what waits of the stream; the failure that stopped it, None when nothing waits any more."""
        sent = Sent()
        for _ in range(_TRIES):
            waiting = self._parked.of(stream)
            if waiting is None:
                return None
            stopped = self._send(waiting, sent)
            try:
                if stopped is None:
                    self._parked.release(waiting)
                    continue
                error = {"version": stopped.version, "type": stopped.type, "reason": stopped.reason}
                self._parked.keep(
                    Waiting(stream, stopped.version - 1, waiting.upto, error, waiting.attempts + 1, waiting.etag)
                )
            except (Conflict, Unanswered):
                continue
            return error
        raise Unavailable(f"{RELAY}: {stream} keeps changing; try again")

    def drop(self, stream: str, version: int, *, by: str, at: datetime) -> None:
        """Leaves the version out of what the hub gets. Raises NotParked when the stream does not wait there."""
        for _ in range(_TRIES):
            if self._parked.left_out(stream, version):
                return
            waiting = self._parked.of(stream)
            if waiting is None or waiting.version + 1 != version:
                raise NotParked(RELAY, stream, version)
            try:
                self._parked.leave_out(waiting, by=by, at=at)
            except (Conflict, Unanswered):
                continue
            return
        raise Unavailable(f"{RELAY}: {stream} keeps changing; try again")

    def _send(self, waiting: Waiting, sent: Sent) -> Undelivered | None:
        documents = list(self._history.documents(waiting.stream, after=waiting.version, upto=waiting.upto))
        if [document["version"] for document in documents] != list(range(waiting.version + 1, waiting.upto + 1)):
            raise BrokenLog(waiting.stream, waiting.version + 1)
        events, unreadable = readable(documents)
        try:
            stopped = [*self._publisher.publish(events, sent), *unreadable]
        except EventHubError as error:
            at = sent.upto(waiting.stream, waiting.version) + 1
            return Undelivered(waiting.stream, at, waiting.error["type"], str(error), error)
        return stopped[0] if stopped else None
