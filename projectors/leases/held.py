"""Held lease: one that this worker has taken, renews with every page, and gives back. Safe between threads."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from projectors.feed.ranges import FeedRange
from projectors.leases.lease import Lease
from projectors.leases.store import LeaseStore
from projectors.throughput.retries import Retries, RetryCounter


class HeldLease:
    """A lease in use: its page thread and the heartbeat change it one at a time.

    What is done is not written by itself but with the next renewal, which every page needs anyway: the position in the
    store is behind by a page at most. `tally` counts retries for the lease.
    """

    def __init__(self, leases: LeaseStore, lease: Lease) -> None:
        self.tally = RetryCounter()
        self._leases = leases
        self._lease = lease
        self._retried_before = lease.retries
        self._lock = threading.Lock()
        self._unwritten = False

    @property
    def now(self) -> Lease:
        """The lease as it was last written, with what was done since."""
        return self._lease

    @property
    def unwritten(self) -> bool:
        """Whether the store does not know yet what is done."""
        return self._unwritten

    def done(self, lsn: int | None, **facts: Any) -> None:
        """Everything up to `lsn` has had its effect. `facts` are those that status reports."""
        with self._lock:
            self._lease = replace(self._lease, lsn=lsn, **facts)
            self._unwritten = True

    def stands(self, error: str | None) -> None:
        """Why the range stands still, for status to show; None once it goes on. Written with the next renewal."""
        with self._lock:
            if error != self._lease.error:
                self._lease = replace(self._lease, error=error)
                self._unwritten = True

    def renew(self) -> None:
        with self._lock:
            self._lease = self._leases.renew(self._lease, retries=self._retries)
            self._unwritten = False

    def release(self) -> None:
        with self._lock:
            self._lease = self._leases.release(self._lease, retries=self._retries)
            self._unwritten = False

    def split(self, ranges: Sequence[FeedRange]) -> None:
        with self._lock:
            self._leases.split(self._lease, ranges)

    @property
    def _retries(self) -> Retries:
        return self._retried_before + self.tally.counted
