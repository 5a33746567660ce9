"""What a request will cost, before it is sent: from its kind, its size, and what such requests have cost of late.

Until one of a kind was answered a guess stands in, made from the published costs and on the dear side
(https://learn.microsoft.com/azure/cosmos-db/key-value-store-cost: 1 KB costs 1 RU to read, 5.5 RU to create without an
index, twice as much to replace). What a page cost is divided by its items
(`x-ms-item-count`), so an empty page of the feed changes no estimate; a query is estimated by its text, for it may look
at a thousand items and find one.
"""

import threading
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Any

import orjson

PAGE = "page"
QUERY = "query"
BATCH = "batch"
READ = "read"
WRITE = "write"
METADATA = "metadata"

_BASE = {PAGE: 1.0, QUERY: 3.0, BATCH: 0.0, READ: 0.0, WRITE: 0.0, METADATA: 0.0}
"""Request units of a request that holds nothing."""
_GUESS = {PAGE: 1.0, QUERY: 1.0, BATCH: 12.0, READ: 2.0, WRITE: 12.0, METADATA: 5.0}
"""Request units per item or operation, until it is known better."""
_REMEMBERED = 100
_MANY = 1_000_000
_OPERATION = '"operationType"'
_CREATE = '"Create"'
_REPLACE = 2
_PER_KB = 0.08
_DEFAULT_PAGE = 100


@dataclass(frozen=True, slots=True)
class Size:
    """How large a request is: `kind` and `about` name those like it, `units` are items, or creates of one KB."""

    kind: str
    about: str
    units: float


class ChargeEstimates:
    """Learns from answers. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: defaultdict[tuple[str, str], deque[float]] = defaultdict(lambda: deque(maxlen=_REMEMBERED))

    def expected(self, size: Size) -> float:
        """Request units, rather too many than too few."""
        return _BASE[size.kind] + self._per_unit(size.kind, size.about) * size.units

    def learn(self, size: Size, cost: float, items: int | None) -> None:
        """`items` are those in the answer, None where it holds no list. A query without a result has looked for one."""
        units = size.units if items is None or (size.kind == QUERY and not items) else items
        if units:
            with self._lock:
                self._seen[size.kind, size.about].append(max(0.0, cost - _BASE[size.kind]) / units)

    def fitting(self, kind: str, about: str, budget: float) -> int:
        """How many items or operations may be in a request that is to cost no more than `budget`; at least one."""
        per_unit = self._per_unit(kind, about) * (_REPLACE if kind == BATCH else 1)
        return max(1, int((budget - _BASE[kind]) / per_unit)) if per_unit else _MANY

    def _per_unit(self, kind: str, about: str) -> float:
        with self._lock:
            return max(self._seen[kind, about], default=_GUESS[kind])


def about_query(container: str, sql: str) -> str:
    """What queries that cost alike have in common: their text, up to a list of values."""
    return f"{container} {sql.partition(' IN (')[0]}"


def size_of(request: Any) -> Size:
    """Of a request of the SDK, by its headers, its address, and how many operations its body names."""
    headers = request.headers
    parts = request.url.partition("?")[0].split("/")
    container = parts[parts.index("colls") + 1] if "colls" in parts[:-1] else ""
    if "docs" not in parts or "x-ms-cosmos-is-query-plan-request" in headers:
        return Size(METADATA, container, 1)
    if "A-IM" in headers:
        return Size(PAGE, container, _page(headers))
    if "x-ms-documentdb-isquery" in headers:
        return Size(QUERY, about_query(container, orjson.loads(request.data)["query"]), _page(headers))
    if request.method == "GET":
        return Size(READ, container, 1)
    text = request.data or ""
    if isinstance(text, bytes):
        text = text.decode()
    larger = _PER_KB * (len(text) // 1024)
    if "x-ms-cosmos-is-batch-request" in headers:
        creates = text.count(f"{_OPERATION}: {_CREATE}") + text.count(f"{_OPERATION}:{_CREATE}")
        others = text.count(_OPERATION) - creates
        return Size(BATCH, container, creates + _REPLACE * others + _REPLACE * larger)
    return Size(WRITE, container, (1 if request.method == "POST" else _REPLACE) + _REPLACE * larger)


def _page(headers: Any) -> int:
    size = int(headers.get("x-ms-max-item-count") or _DEFAULT_PAGE)
    return size if size > 0 else _DEFAULT_PAGE
