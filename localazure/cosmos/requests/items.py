"""Requests about one item: create, read, replace, upsert, delete, patch."""

from __future__ import annotations

import orjson

from localazure.cosmos.protocol.errors import BadRequest, NotFound
from localazure.cosmos.protocol.message import Response
from localazure.cosmos.requests.call import KEY_HEADER, Call
from localazure.cosmos.requests.stored import Conditions, Outcome
from localazure.cosmos.requests.writes import Writes
from localazure.cosmos.storage import charges, document
from localazure.cosmos.storage.container import Container
from localazure.cosmos.storage.partition_key import PartitionKeyValue
from localazure.cosmos.storage.rid import item_number
from localazure.cosmos.storage.store import Store


class Items:
    """Point operations over the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, call: Call, container: Container) -> Response:
        """Answer with one item."""
        key = call.key(container)
        call.at(container.partitions.at(key.position))
        call.charge = charges.POINT_READ_MISS
        row = self._store.one(
            f"SELECT position, body FROM {call.items} WHERE container = ? AND epk = ? AND id = ?",  # noqa: S608
            (container.number, key.position, self._id(call, container, key)),
        )
        if row is None:
            raise NotFound(f"Resource Not Found: there is no item '{call.address.names[-1]}' in partition {key.text}.")
        position, body = row
        etag = document.etag(position)
        expected = call.header("if-none-match")
        if expected and expected in ("*", etag):
            return Response(304, b"", {"etag": etag})
        call.charge = charges.point_read(len(body))
        return Response(200, body, {"etag": etag})

    def add(self, call: Call, container: Container) -> Response:
        """Create or upsert an item."""
        item, raw = document.parse(call.request.body)
        key = container.key.of(item) if KEY_HEADER not in call.request.headers else call.key(container)
        with self._store.statement:
            writes = Writes(self._store, container, key, is_alone=True)
            call.at(writes.partition)
            if call.operation == "create":
                outcome = writes.create(item, raw)
            else:
                outcome = writes.upsert(item, raw, _conditions(call))
            writes.commit()
        return _answer(call, outcome)

    def change(self, call: Call, container: Container) -> Response:
        """Replace, patch or delete an item."""
        key = call.key(container)
        with self._store.statement:
            writes = Writes(self._store, container, key, is_alone=call.operation != "delete")
            call.at(writes.partition)
            item_id = self._id(call, container, key)
            if call.operation == "replace":
                outcome = writes.replace(item_id, *document.parse(call.request.body), _conditions(call))
            elif call.operation == "patch":
                outcome = writes.patch(item_id, patch_body(call.request.body), _conditions(call))
            else:
                outcome = writes.delete(item_id, _conditions(call))
            writes.commit(has_deleted=call.operation == "delete")
        return _answer(call, outcome)

    def _id(self, call: Call, container: Container, key: PartitionKeyValue) -> str:
        """The id of the addressed item; a link made of resource ids names it by number."""
        name = call.address.names[-1]
        if call.address.container != container.rid:
            return name
        number = item_number(name)
        row = number is not None and self._store.one(
            "SELECT id FROM items WHERE container = ? AND epk = ? AND number = ?",
            (container.number, key.position, number),
        )
        return str(row[0]) if row else name


def patch_body(raw: bytes) -> dict[str, object]:
    """The body of a patch: an object, or the bare list of operations."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The request body is not JSON: {error}") from error
    return body if isinstance(body, dict) else {"operations": body}


def _conditions(call: Call) -> Conditions:
    return Conditions(call.header("if-match"), call.header("if-none-match"))


def _answer(call: Call, outcome: Outcome) -> Response:
    call.charge = outcome.charge
    body = b"" if call.wants_minimal else bytes(outcome.body)
    return Response(outcome.status, body, {"etag": outcome.etag} if outcome.status != 204 else {})
