"""One request on its way through the server: what it asks for, and what its answer will say about itself."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import lru_cache

from localazure.cosmos.protocol.address import Address
from localazure.cosmos.protocol.errors import KEY_MISMATCH, SESSION_NOT_AVAILABLE, BadRequest, NotFound
from localazure.cosmos.protocol.message import Request, Response
from localazure.cosmos.storage.container import Container
from localazure.cosmos.storage.partition_key import PartitionKeyValue
from localazure.cosmos.storage.partitions import GENERATIONS, Partition
from localazure.cosmos.storage.replicas import Late, items_at

KEY_HEADER = "x-ms-documentdb-partitionkey"
RANGE_HEADER = "x-ms-documentdb-partitionkeyrangeid"

_FEED_OPERATIONS = {
    "dbs": ("database", "database.create", "database.list", "database.query"),
    "colls": ("container", "container.create", "container.list", "container.query"),
    "offers": ("offer", "offer.create", "offer.list", "offer.query"),
    "conflicts": ("conflict", "conflict.create", "conflict.list", "conflict.query"),
}
_ENTITY_OPERATIONS = {"GET": "read", "PUT": "replace", "DELETE": "delete", "PATCH": "patch"}


@dataclass(slots=True)
class Call:
    """The request and the growing facts of its answer."""

    request: Request
    address: Address
    operation: str
    """Of items: create, read, replace, upsert, delete, patch, batch, query, queryplan, changefeed, list,
    deletepartition. Of everything else: account, pkranges, database.read, container.create, offer.replace …"""
    database: str = ""
    container: str = ""
    charge: float = 0.0
    target: Container | None = None
    partition: Partition | None = None
    late: Late | None = None
    """The replica that is to answer, where a fault chose one that is behind."""
    late_lsn: int | None = None
    """How far that replica is."""

    def header(self, name: str) -> str:
        """A request header, empty when absent."""
        return self.request.headers.get(name, "")

    def flag(self, name: str) -> bool:
        """Whether a request header says true."""
        return self.request.headers.get(name, "").lower() == "true"

    @property
    def wants_minimal(self) -> bool:
        """Whether writes are to be answered without a body."""
        return self.request.headers.get("prefer") == "return=minimal"

    def key(self, container: Container) -> PartitionKeyValue:
        """The complete partition key that the request names."""
        key = self.key_or_none(container)
        if key is None:
            raise BadRequest("PartitionKey value must be supplied for this operation.")
        if key.is_prefix:
            raise BadRequest(
                "Partition key provided either doesn't correspond to definition in the collection or doesn't match "
                f"partition key field values specified in the document. It has too few values: {key.text}.",
                sub_status=KEY_MISMATCH,
            )
        return key

    def key_or_none(self, container: Container) -> PartitionKeyValue | None:
        """The partition key that the request names, possibly a prefix."""
        text = self.request.headers.get(KEY_HEADER)
        return container.key.parse_header(text) if text is not None else None

    def at(self, partition: Partition) -> Partition:
        """Note which partition answers, and check that it is as new as the session demands."""
        self.partition = partition
        token = self.request.headers.get("x-ms-session-token")
        seen = _seen(token, partition) if token else 0
        if self.late is not None and self.target is not None:
            is_session = self.header("x-ms-consistency-level") in ("", "Session")
            self.late_lsn = self.late.lsn(self.target, partition, seen if is_session else 0)
        return partition

    @property
    def items(self) -> str:
        """What a statement reads items from: their table, or what a late replica has of it."""
        if self.target is None or self.partition is None or self.late_lsn is None:
            return "items"
        return items_at(self.target, self.partition, self.late_lsn)

    @property
    def last_lsn(self) -> int:
        """The last transaction that the answering replica knows of."""
        if self.late_lsn is not None:
            return self.late_lsn
        return self.partition.lsn if self.partition is not None else 0

    def finish(self, response: Response) -> Response:
        """Add the headers that every answer carries."""
        headers = response.headers
        headers["x-ms-activity-id"] = self.request.headers.get("x-ms-activity-id") or str(uuid.uuid4())
        headers["x-ms-request-charge"] = _charge(self.charge)
        headers.setdefault("content-type", "application/json")
        headers["content-location"] = self.request.base_url + self.request.path[1:]
        target = self.target
        if target is not None:
            headers.update(target.database.paths if self.address.kind == "colls" else target.paths)
        partition = self.partition
        if partition is not None:
            lsn = self.last_lsn
            headers["x-ms-session-token"] = partition.session_token(lsn)
            headers[RANGE_HEADER] = headers["x-ms-cosmos-physical-partition-id"] = partition.id
            headers["lsn"] = str(lsn)
        return response


@lru_cache(maxsize=4096)
def _charge(charge: float) -> str:
    """Request units as an answer shows them."""
    return f"{charge:.2f}"


def classify(request: Request, address: Address) -> str:
    """The name of the operation, as the request log and the faults use it."""
    kind = address.kind
    if kind == "docs":
        return _item_operation(request) if address.is_feed else _ENTITY_OPERATIONS.get(request.method, "unknown")
    if kind == "operations":
        return "deletepartition"
    if kind == "pkranges":
        return "pkranges"
    if kind == "":
        return "account"
    noun, create, listing, query = _FEED_OPERATIONS[kind]
    if not address.is_feed:
        return f"{noun}.{_ENTITY_OPERATIONS.get(request.method, 'unknown')}"
    if request.method == "GET":
        return listing
    return query if is_query(request) else create


def is_query(request: Request) -> bool:
    """Whether the body is a query."""
    headers = request.headers
    return headers.get("x-ms-documentdb-isquery", "").lower() == "true" or headers.get("content-type", "").startswith(
        "application/query+json"
    )


def _item_operation(request: Request) -> str:
    headers = request.headers
    if request.method == "GET":
        return "changefeed" if "a-im" in headers else "list"
    if request.method != "POST":
        return "unknown"
    if headers.get("x-ms-cosmos-is-batch-request", "").lower() == "true":
        return "batch"
    if headers.get("x-ms-cosmos-is-query-plan-request", "").lower() == "true":
        return "queryplan"
    if is_query(request):
        return "query"
    return "upsert" if headers.get("x-ms-documentdb-is-upsert", "").lower() == "true" else "create"


def _seen(token: str, partition: Partition) -> int:
    """The LSN that a session has seen; one that is more than this partition holds is a 404 with sub-status 1002."""
    seen = 0
    for part in token.split(","):
        range_id, _, vector = part.strip().partition(":")
        generation, _, rest = vector.partition("#")
        lsn = rest.partition("#")[0]
        if not generation.lstrip("-").isdigit() or not lsn.isdigit():
            raise BadRequest(f"The session token '{token}' is invalid.")
        if range_id != partition.id and range_id not in partition.parents:
            continue
        # A token of another thousand belongs to an earlier container of this name.
        same_container = int(generation) // GENERATIONS == partition.generation // GENERATIONS
        if not same_container:
            continue
        seen = max(seen, int(lsn))
        if seen > partition.lsn:
            raise NotFound(
                f"The read session is not available for the input session token '{token}': partition {partition.id} "
                f"is at {partition.lsn}.",
                sub_status=SESSION_NOT_AVAILABLE,
            )
    return seen
