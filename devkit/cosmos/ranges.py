"""The partition key ranges of a container: the routing map of every client."""

from __future__ import annotations

from devkit.cosmos import charges
from devkit.cosmos.call import Call
from devkit.cosmos.container import Container
from devkit.cosmos.errors import MethodNotAllowed
from devkit.cosmos.message import Response, json_bytes


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
