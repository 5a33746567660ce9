"""The query app with the audit, as a real server on a free port of this machine."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from azure.cosmos import CosmosClient
from fastapi import FastAPI

from functions.audit import open_desk
from functions.http.dependencies import Dependencies
from functions.queries.app import create_queries
from service import SERVICE


def audit_app(services: Dependencies, client: CosmosClient, database: str, **options: object) -> FastAPI:
    desk = open_desk(client, database, SERVICE.narration, SERVICE.views, SERVICE.health, **options)  # type: ignore[arg-type]
    return create_queries(SERVICE, services, desk)


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The address of the server."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
