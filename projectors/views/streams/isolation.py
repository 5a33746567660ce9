"""Finds the one event whose effect the store never takes, and parks its stream there.

What memory can tell costs one write. For the rest the place is found by halves: of n events, some log2(n) writes.
"""

from typing import Any

from projectors.errors import PoisonEvent, Rejected, Unavailable
from projectors.views.failure import failure, report
from projectors.views.streams.batch_writer import BatchWriter
from projectors.views.streams.checkpoint import StreamCheckpoint
from projectors.views.streams.checkpoint_store import StreamCheckpoints
from projectors.views.streams.view import StreamView


class Isolation:
    """Works on one guard at a time. `park` False raises PoisonEvent instead of parking."""

    def __init__(self, view: StreamView, guards: StreamCheckpoints, writer: BatchWriter, *, park: bool = True) -> None:
        self._view = view
        self._guards = guards
        self._writer = writer
        self._park = park

    def settle(self, guard: StreamCheckpoint, seen: int) -> dict[str, Any] | None:
        """Writes everything up to version `seen` as far as it goes; what it was parked with, None when all is written.

        Raises:
            Rejected: the store does not take the guard as parked either. It is as it was stored.
            Unavailable: somebody else changes the stream.
        """
        refused = 0
        while True:
            self._guards.reload(guard)
            stored, seen = guard.version, max(seen, guard.seen)
            if stored >= seen:
                return None
            upto = stored + max(1, (refused - stored) // 2) if refused > stored else seen
            failed = self._guards.bring(guard, upto)
            if failed is not None:
                self.park(guard, failed, seen)
            elif upto == seen and guard.upto is not None:
                guard.unpark()
            reached = guard.version
            error = self._write(guard)
            if error is None and (failed is not None or reached == seen):
                return failed
            if error is not None and reached <= stored + 1:
                return self._park_alone(guard, error, seen)
            refused = reached if error is not None else refused

    def park(self, guard: StreamCheckpoint, failed: dict[str, Any], seen: int) -> None:
        """Parks before the failure, in memory."""
        if not self._park:
            raise PoisonEvent(self._view.name, guard.stream, failed["version"], failed["type"], failed["reason"])
        guard.park(seen, failed)

    def tell(self, guard: StreamCheckpoint) -> None:
        """Reports a stream that was parked here, once that is stored."""
        if guard.is_news and guard.error is not None:
            report(self._view.name, guard.stream, guard.error)
        guard.is_news = False

    def _park_alone(self, guard: StreamCheckpoint, error: Rejected, seen: int) -> dict[str, Any]:
        self._guards.reload(guard)
        (document, *_) = self._guards.missing(guard, guard.version + 1)
        failed = failure(document, error)
        self.park(guard, failed, seen)
        refusal = self._write(guard)
        if refusal is not None:
            self._guards.reload(guard)
            raise Rejected(
                f"version {failed['version']} ({failed['type']}) cannot be stored: {failed['reason']}; "
                f"nor can it be parked: {refusal}"
            ) from refusal
        return failed

    def _write(self, guard: StreamCheckpoint) -> Rejected | None:
        unwritten = self._writer.write([guard])
        if unwritten.again:
            raise Unavailable(f"{self._view.name}: {guard.stream} changed meanwhile")
        for _, error in unwritten.rejected:
            return error
        self.tell(guard)
        return None
