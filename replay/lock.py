"""Who builds a view at this moment: one document per view, kept alive by a heartbeat from the first step to the last.

    { "id": "builder", "consumer": "rebuild:<view>", "kind": "builder", "by", "since", "token", "expires" }

A second rebuild finds it and is refused with the name of the first. It expires when its process dies; on the machine
where that process ran nobody has to wait for that.
"""

import logging
import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import Self

from azure.core.exceptions import AzureError
from azure.cosmos import CosmosClient

from eventstore.cosmos.containers import LEASES
from projectors.container import Container, Document
from projectors.errors import Conflict, LeaseLost, ProjectionError, RebuildRunning, Unanswered, Unavailable
from projectors.throughput.meter import Meter

_log = logging.getLogger(__name__)
_ID = "builder"
_TRIES = 10


def builder_partition(view: str) -> str:
    """Where the document of a view lies in the container of leases."""
    return f"rebuild:{view}"


def this_process() -> str:
    """As operators read it: machine and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


class RebuildLock:
    """Held as a context manager; `check` raises LeaseLost once somebody else has taken it.

    `duration` is in seconds. Entering raises RebuildRunning while another process holds it.
    """

    def __init__(
        self,
        client: CosmosClient,
        database: str,
        view: str,
        *,
        at: str,
        clock: Callable[[], float] = time.time,
        duration: float = 30.0,
    ) -> None:
        container = client.get_database_client(database).get_container_client(LEASES.name)
        self._done = threading.Event()
        self._gateway = Container(container, meter=Meter(), stop=self._done)
        self._view = view
        self._at = at
        self._clock = clock
        self._duration = duration
        self._token = uuid.uuid4().hex
        self._lost: str | None = None
        self._heartbeat = threading.Thread(target=self._beat, daemon=True, name="builder")

    def __enter__(self) -> Self:
        for _ in range(_TRIES):
            try:
                found = self._read()
                if found is not None and self._alive(found):
                    raise RebuildRunning(self._view, found["by"], found["since"])
                self._write(found)
            except (Conflict, Unanswered):
                continue
            self._heartbeat.start()
            return self
        raise Unavailable(f"{self._view}: whoever builds it keeps changing; try again")

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._heartbeat.join()
        self._done.clear()
        try:
            found = self._read()
            if found is not None and found["token"] == self._token:
                self._gateway.delete(_ID, builder_partition(self._view))
        except (ProjectionError, AzureError) as error:  # it expires by itself
            _log.info("%s: %s", self._view, error)

    def check(self) -> None:
        """Raises LeaseLost when this process no longer is the one that builds."""
        if self._lost is not None:
            raise LeaseLost(self._lost)

    def _alive(self, found: Document) -> bool:
        return found["token"] != self._token and found["expires"] > self._clock() and not is_gone(found["by"])

    def _read(self) -> Document | None:
        return self._gateway.read(_ID, builder_partition(self._view))

    def _write(self, found: Document | None) -> None:
        document = {
            "id": _ID,
            "consumer": builder_partition(self._view),
            "kind": "builder",
            "by": this_process(),
            "since": self._at,
            "token": self._token,
            "expires": self._clock() + self._duration,
        }
        if found is None:
            self._gateway.create(document)
        else:
            self._gateway.replace(document, found["_etag"])

    def _beat(self) -> None:
        while not self._done.wait(self._duration / 3):
            try:
                found = self._read()
                if found is None or found["token"] != self._token:
                    by = f"taken over by {found['by']}" if found else "abandoned"
                    self._lost = f"the rebuild of {self._view} was {by}"
                    return
                self._write(found)
            except (ProjectionError, AzureError) as error:
                _log.info("%s: %s; again in a moment", self._view, error)


def is_gone(by: str) -> bool:
    """Whether the builder was a process of this machine that is no more: nobody has to wait for its leases."""
    host, _, process = by.rpartition(":")
    if host != socket.gethostname() or sys.platform == "win32":
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
