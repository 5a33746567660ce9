"""Transactional batches: up to 100 operations on one logical partition, all or nothing, one LSN.

Source: https://learn.microsoft.com/azure/cosmos-db/transactional-batch
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson

from localazure.cosmos.protocol.errors import BadRequest, CosmosError, TooLarge
from localazure.cosmos.protocol.message import Response, json_bytes
from localazure.cosmos.requests.call import RANGE_HEADER, Call
from localazure.cosmos.requests.creation import Refused, create_all
from localazure.cosmos.requests.stored import Conditions, Outcome
from localazure.cosmos.requests.writes import Writes
from localazure.cosmos.storage import document
from localazure.cosmos.storage.container import Container
from localazure.cosmos.storage.limits import BATCH_OPERATIONS, ITEM_BYTES
from localazure.cosmos.storage.partition_key import PartitionKeyValue
from localazure.cosmos.storage.store import Store

_FAILED_DEPENDENCY = 424
_MULTI_STATUS = 207


class Batches:
    """Runs batches over the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def handle(self, call: Call, container: Container) -> Response:
        """Answer one batch, or a bulk request, which is many operations that stand alone."""
        if call.header("x-ms-cosmos-batch-atomic").lower() == "false":
            return self._bulk(call, container)
        key = call.key(container)
        if len(call.request.body) > ITEM_BYTES:
            raise TooLarge(f"Request size is too large: a batch may have up to {ITEM_BYTES} bytes.")
        operations = _operations(call.request.body)
        call.at(container.partitions.at(key.position))
        created = self._create_all(container, key, operations, minimal=call.wants_minimal)
        if created is not None:
            results, call.charge = created
            return Response(200, results)
        outcomes: list[Outcome] = []
        try:
            with self._store.transaction:
                writes = Writes(self._store, container, key)
                outcomes.extend(_run(writes, operation) for operation in operations)
                writes.commit(has_deleted=any(_kind(operation) == "delete" for operation in operations))
        except CosmosError as error:
            call.charge = sum(outcome.charge for outcome in outcomes) + 1.0
            return _refused(len(operations), len(outcomes), error)
        call.charge = sum(outcome.charge for outcome in outcomes)
        return Response(200, _succeeded(operations, outcomes, minimal=call.wants_minimal))

    def _create_all(
        self, container: Container, key: PartitionKeyValue, operations: list[dict[str, Any]], *, minimal: bool
    ) -> tuple[bytes, float] | None:
        """The short way for a batch of creates; None when it is none, or when the long way must tell what is wrong."""
        items = [
            operation.get("resourceBody") for operation in operations if operation.get("operationType") == "Create"
        ]
        if len(items) != len(operations):
            return None
        try:
            with self._store.statement:
                writes = Writes(self._store, container, key, is_alone=True)
                created = create_all(writes, items, minimal=minimal)
                writes.commit()
        except (CosmosError, Refused):
            return None
        return created

    def _bulk(self, call: Call, container: Container) -> Response:
        """Operations on keys of one physical partition, each on its own.

        Those after one that failed run too, unless the request says that they are not to.
        """
        range_id = call.header(RANGE_HEADER)
        if range_id:
            call.at(container.partitions.get(range_id))
        stops = call.header("x-ms-cosmos-batch-continue-on-error").lower() == "false"
        results: list[bytes] = []
        failures = 0
        for operation in _operations(call.request.body):
            if failures and stops:
                results.append(json_bytes({"statusCode": _FAILED_DEPENDENCY, "subStatusCode": 0}))
                continue
            try:
                key = container.key.parse_header(operation.get("partitionKey") or "[]")
                is_deletion = _kind(operation) == "delete"
                with self._store.statement:
                    writes = Writes(self._store, container, key, is_alone=not is_deletion)
                    outcome = _run(writes, operation)
                    writes.commit(has_deleted=is_deletion)
            except CosmosError as error:
                failures += 1
                results.append(json_bytes({"statusCode": error.status, "subStatusCode": error.sub_status}))
            else:
                call.charge += outcome.charge
                results.append(_succeeded([operation], [outcome], minimal=call.wants_minimal)[1:-1])
        return Response(_MULTI_STATUS if failures else 200, b"[%s]" % b",".join(results))


def _operations(raw: bytes) -> list[dict[str, Any]]:
    try:
        operations = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The batch is not JSON: {error}") from error
    if not isinstance(operations, list) or not operations:
        raise BadRequest("Batch request has no operations.")
    if set(map(type, operations)) != {dict}:
        raise BadRequest("Every operation of a batch is a JSON object.")
    if len(operations) > BATCH_OPERATIONS:
        raise BadRequest(
            "Batch request has more operations than what is supported. "
            f"It has {len(operations)}, the limit is {BATCH_OPERATIONS}."
        )
    return operations


def _kind(operation: dict[str, Any]) -> str:
    return str(operation.get("operationType", "")).lower()


def _run(writes: Writes, operation: dict[str, Any]) -> Outcome:
    kind = _kind(operation)
    conditions = Conditions(operation.get("ifMatch") or "", operation.get("ifNoneMatch") or "")
    if kind in ("create", "upsert", "replace", "patch"):
        body = operation.get("resourceBody")
        if not isinstance(body, dict):
            raise BadRequest(f"The batch's {kind} operation has no resourceBody.")
        if kind == "patch":
            return writes.patch(_id(operation), body, conditions)
        raw = document.own_text(body)
        if kind == "create":
            return writes.create(body, raw)
        if kind == "upsert":
            return writes.upsert(body, raw, conditions)
        return writes.replace(_id(operation), body, raw, conditions)
    if kind == "read":
        return writes.read(_id(operation))
    if kind == "delete":
        return writes.delete(_id(operation), conditions)
    raise BadRequest(f"The batch operation '{operation.get('operationType')}' is invalid.")


def _id(operation: dict[str, Any]) -> str:
    item_id = operation.get("id")
    if not isinstance(item_id, str) or not item_id:
        raise BadRequest(f"The batch's {_kind(operation)} operation has no id.")
    return item_id


def _succeeded(operations: list[dict[str, Any]], outcomes: list[Outcome], *, minimal: bool) -> bytes:
    parts: list[bytes | bytearray] = []
    for operation, outcome in zip(operations, outcomes, strict=True):
        parts.append(_head(outcome.status, outcome.charge))
        if outcome.status != 204:
            parts += (b',"eTag":"\\"', outcome.etag[1:-1].encode(), b'\\""')
        if outcome.body and not (minimal and _kind(operation) != "read"):
            parts += (b',"resourceBody":', outcome.body)
        parts.append(b"},")
    return b"[%s]" % b"".join(parts)[:-1]


@lru_cache(maxsize=1024)
def _head(status: int, charge: float) -> bytes:
    return b'{"statusCode":%d,"requestCharge":%.2f' % (status, charge)


def _refused(count: int, failed: int, error: CosmosError) -> Response:
    results: list[dict[str, Any]] = [
        {"statusCode": _FAILED_DEPENDENCY, "subStatusCode": 0, "requestCharge": 0} for _ in range(count)
    ]
    results[failed] = {"statusCode": error.status, "subStatusCode": error.sub_status, "requestCharge": 1.0}
    return Response(_MULTI_STATUS, json_bytes(results))
