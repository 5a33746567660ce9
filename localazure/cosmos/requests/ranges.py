"""The partition key ranges of a container: the routing map of every client."""

from __future__ import annotations

from localazure.cosmos.protocol.errors import MethodNotAllowed
from localazure.cosmos.protocol.message import Response, json_bytes
from localazure.cosmos.requests.call import Call
from localazure.cosmos.storage import charges
from localazure.cosmos.storage.container import Container


class Ranges:
    """Answers `GET …/pkranges`, whole or as the changes since an etag."""

    def handle(self, call: Call, container: Container) -> Response:
        """Answer one request; 304 when nothing changed since the client's etag."""
        if call.request.method != "GET":
            raise MethodNotAllowed("Partition key ranges can only be read.")
        call.charge = charges.METADATA_READ
        partitions = container.partitions
        etag = f'"{partitions.version}"'
        known = call.header("if-none-match").strip('"') if "a-im" in call.request.headers else ""
        if known.isdigit() and int(known) >= partitions.version:
            return Response(304, b"", {"etag": etag})
        rows = partitions.created_since(int(known) if known.isdigit() else 0)
        body = {
            "_rid": container.rid,
            "PartitionKeyRanges": [row.describe(container.rid, container.self_link) for row in rows],
            "_count": len(rows),
        }
        return Response(200, json_bytes(body), {"etag": etag, "x-ms-item-count": str(len(rows))})
