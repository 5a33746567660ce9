"""The local Cosmos DB: one object that is a whole account."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from localazure.cosmos.faults import Faults
from localazure.cosmos.log import RequestLog
from localazure.cosmos.protocol.auth import EMULATOR_KEY
from localazure.cosmos.protocol.message import Request, Response
from localazure.cosmos.service import Service
from localazure.cosmos.storage.replicas import Replicas
from localazure.cosmos.storage.store import Store

if TYPE_CHECKING:
    from azure.cosmos import CosmosClient

    from localazure.cosmos.transport import InProcessTransport

_instances = itertools.count(1)


class LocalCosmos:
    """A Cosmos DB account in this process, over SQLite.

        with LocalCosmos() as cosmos:
            client = cosmos.client()

    `data` is a folder or a file for SQLite and keeps everything over restarts; None keeps it in memory.
    `partitions` is how many physical partitions a new container has at least.
    """

    def __init__(self, data: Path | None = None, *, partitions: int = 1, key: str = EMULATOR_KEY) -> None:
        self.key = key
        self.log = RequestLog()
        self._store = Store(data)
        self.faults = Faults(Replicas(self._store))
        self._service = Service(self._store, key, partitions, self.faults, self.log)
        # The SDK shares routing maps between clients of one endpoint, so every account needs a name of its own.
        self.endpoint = f"http://tidemark-{os.getpid()}-{next(_instances)}.local:8081/"

    def exchange(self, request: Request) -> Response:
        """Answer one request."""
        return self._service.exchange(request)

    def transport(self) -> InProcessTransport:
        """A transport for the synchronous SDK: the same request handling as over HTTP, without a socket."""
        # A server over HTTP starts without the SDK.
        from localazure.cosmos.transport import InProcessTransport

        return InProcessTransport(self._service.exchange)

    def client(self, **kwargs: Any) -> CosmosClient:
        """A synchronous client on the in-process transport; `kwargs` go to `CosmosClient`."""
        from azure.cosmos import CosmosClient

        return CosmosClient(self.endpoint, self.key, transport=self.transport(), **kwargs)

    def split(self, database: str, container: str, range_id: str | None = None) -> list[str]:
        """Split a physical partition now (the widest, unless named) and return the ids of the two new ranges."""
        target = self._service.catalog.container(database, container)
        return [partition.id for partition in self._service.splits.split(target, range_id)]

    def close(self) -> None:
        """Close the store. Requests after this fail."""
        self._store.close()

    def __enter__(self) -> LocalCosmos:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
