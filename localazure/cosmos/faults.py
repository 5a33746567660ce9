"""Failing on purpose: refusals, delays, resets, lost answers, and callbacks around every request.

    cosmos.faults.add(status=429, retry_after_ms=5, operation="create", container="events", count=3)
    cosmos.faults.add(status=503, probability=0.1, seed=7)
    cosmos.faults.add(delay=0.2, operation="query")
    cosmos.faults.add(reset=True, operation="batch")                  the connection dies, nothing was done
    cosmos.faults.add(lose_answer=True, operation="batch", skip=2, count=1)   committed, and the answer is lost
    cosmos.faults.add(lose_answer=True, timeout=True)                 the same, seen by the client as a time-out
    cosmos.faults.add(lose_answer=True, status=503)                   the same, with a refusal in the answer's place
    cosmos.faults.add(status=404, operation="read")                   404/1002: no replica has what the session has seen
    cosmos.faults.add(lag=3, container="views")                       reads come from a replica 3 transactions behind
    cosmos.faults.add(lag=3, probability=0.5, seed=1)                 half of them do
    cosmos.faults.add(lag_seconds=0.2)                                or as far behind as that is
    cosmos.faults.add(lag=3, refuse_sessions=True)                    404/1002 for a session that has seen more than it
    cosmos.faults.on_request(callback)                                callback(info, "before" | "after")

Rules are tried in the order they were added; the first that fires decides. Delays and lags do not decide: delays add
up, and of several lags the last one counts.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from localazure.cosmos.protocol.errors import RANGE_GONE, SESSION_NOT_AVAILABLE, CosmosError
from localazure.cosmos.storage.replicas import Late, Replicas

Phase = Literal["before", "after"]

_CODES = {
    404: "NotFound",
    408: "RequestTimeout",
    410: "Gone",
    429: "TooManyRequests",
    449: "RetryWith",
    500: "InternalServerError",
    503: "ServiceUnavailable",
}
_THROTTLED = 3200
_DEFAULT_SUB_STATUS = {429: _THROTTLED, 410: RANGE_GONE, 404: SESSION_NOT_AVAILABLE}
_READS = frozenset({"read", "query", "list", "changefeed"})


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """What a callback and a rule know of a request."""

    number: int
    """Counts requests from 1, in the order they arrived since the server started or the faults were cleared."""
    operation: str
    database: str
    container: str
    method: str
    path: str
    headers: Any
    body: bytes
    status: int = 0
    """Status of the answer; 0 in the phase before."""

    @property
    def is_sdks_own(self) -> bool:
        """Whether the SDK asks for itself: it reads the account now and then, in a thread that no caller waits for."""
        return self.operation == "account"


class ConnectionLost(Exception):
    """The client gets no answer: the connection is reset, or stays silent until the client gives up."""

    def __init__(self, *, timeout: bool) -> None:
        super().__init__("The answer was withheld on purpose.")
        self.timeout = timeout


@dataclass(slots=True)
class Fault:
    """One rule: which requests, how often, and what happens to them."""

    operation: str | None = None
    database: str | None = None
    container: str | None = None
    status: int | None = None
    sub_status: int | None = None
    """None: the one that the service most often gives with the status."""
    retry_after_ms: int | None = None
    delay: float = 0.0
    lag: int = 0
    """How many transactions the replica is behind that answers a read; never more than since the first such rule."""
    lag_seconds: float = 0.0
    refuse_sessions: bool = False
    """Whether that replica refuses a session that has seen more (404/1002); else one that is that far answers it."""
    reset: bool = False
    lose_answer: bool = False
    timeout: bool = False
    probability: float = 1.0
    skip: int = 0
    count: int | None = None
    seed: int | None = None
    fired: int = 0
    """How often the rule has fired."""
    _random: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        if not (self.status or self.delay or self.reset or self.lose_answer or self.lags):
            raise ValueError("A fault needs something to do: status, delay, lag, reset or lose_answer.")
        if self.lag < 0 or self.lag_seconds < 0 or (self.refuse_sessions and not self.lags):
            raise ValueError("A lag is a number of transactions or seconds; refuse_sessions goes with one.")
        if self.status is not None and self.status not in _CODES:
            raise ValueError(f"Status {self.status} cannot be injected; use one of {sorted(_CODES)}.")
        self._random = random.Random(self.seed)

    @property
    def lags(self) -> bool:
        """Whether the rule has reads answered by a replica that is behind."""
        return bool(self.lag or self.lag_seconds)

    def fires(self, info: RequestInfo) -> bool:
        """Decide for one request; counts `skip` and `count` down."""
        if self.operation not in (None, info.operation):
            return False
        if self.lags and info.operation not in _READS:
            return False
        if self.database not in (None, info.database) or self.container not in (None, info.container):
            return False
        if self.count is not None and self.fired >= self.count:
            return False
        if self.probability < 1.0 and self._random.random() >= self.probability:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.fired += 1
        return True

    def refusal(self) -> CosmosError:
        """The answer of a rule with a status."""
        status = self.status or 0
        headers = {}
        if self.retry_after_ms is not None:
            headers["x-ms-retry-after-ms"] = str(self.retry_after_ms)
        elif status in (429, 449):
            headers["x-ms-retry-after-ms"] = "1"
        return CosmosError(
            f"Injected: {_CODES[status]}.",
            status=status,
            code=_CODES[status],
            sub_status=_DEFAULT_SUB_STATUS.get(status, 0) if self.sub_status is None else self.sub_status,
            headers=headers,
        )


@dataclass(slots=True)
class Decision:
    """What the rules say of one request."""

    delay: float = 0.0
    """Seconds to wait first."""
    fault: Fault | None = None
    """What takes the place of the answer."""
    late: Late | None = None
    """The replica that is to answer."""


Callback = Callable[[RequestInfo, Phase], None]


class Faults:
    """The rules and callbacks of one server."""

    def __init__(self, replicas: Replicas | None = None) -> None:
        self._replicas = replicas
        self._lock = threading.Lock()
        self._rules: list[Fault] = []
        self._callbacks: list[Callback] = []
        self._number = 0

    @property
    def active(self) -> bool:
        """Whether any rule or callback is there."""
        return bool(self._rules or self._callbacks)

    def add(self, **rule: Any) -> Fault:
        """Add a rule; see `Fault` for its fields. The returned rule counts how often it `fired`."""
        fault = Fault(**rule)
        if fault.lags and self._replicas is not None:
            self._replicas.record()
        with self._lock:
            self._rules.append(fault)
        return fault

    def on_request(self, callback: Callback) -> Callable[[], None]:
        """Call `callback(info, phase)` before each request is handled and after it was committed, unanswered.

        What it raises reaches an in-process client as it is (a simulated crash); over HTTP it resets the connection.
        The returned function takes the callback away again.
        """
        with self._lock:
            self._callbacks.append(callback)

        def remove() -> None:
            with self._lock:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)

        return remove

    def clear(self) -> None:
        """Remove every rule and callback, and count requests from 1 again."""
        with self._lock:
            self._rules.clear()
            self._callbacks.clear()
            self._number = 0

    def rules(self) -> list[Fault]:
        """The rules in force."""
        with self._lock:
            return list(self._rules)

    def next_number(self) -> int:
        """The running number of a request."""
        with self._lock:
            self._number += 1
            return self._number

    def decide(self, info: RequestInfo) -> Decision:
        """What is to happen to one request."""
        decision = Decision()
        with self._lock:
            for rule in self._rules:
                if decision.fault is not None and not (rule.delay or rule.lags):
                    continue
                if rule.fires(info):
                    decision.delay += rule.delay
                    if rule.lags and self._replicas is not None:
                        decision.late = Late(self._replicas, rule.lag, rule.lag_seconds, rule.refuse_sessions)
                    if decision.fault is None and (rule.status or rule.reset or rule.lose_answer):
                        decision.fault = rule
        return decision

    def notify(self, info: RequestInfo, phase: Phase) -> None:
        """Run the callbacks."""
        for callback in list(self._callbacks):
            callback(info, phase)
