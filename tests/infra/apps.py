"""The service as it is deployed: each app with the rights of its own identity, and no more."""

from typing import Any

import httpx
from starlette.types import ASGIApp

from functions.commands.app import create_commands
from functions.composition import build_consumers, build_services
from functions.queries.app import create_queries
from functions.settings import Settings
from service import SERVICE
from tests.infra.authority import Account


def _caller(app: ASGIApp) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://tidemark")


class Apps:
    """Both HTTP apps and the worker, each on a client of its own role."""

    def __init__(self, account: Account, database: str) -> None:
        settings = Settings(auth="none")
        commands, queries = (
            build_services(SERVICE, settings, account.client(r), database) for r in ("commands", "queries")
        )
        self.commands = _caller(create_commands(SERVICE, commands))
        self.queries = _caller(create_queries(SERVICE, queries))
        self._worker = build_consumers(SERVICE, account.client("projectors"), database).worker

    async def command(self, path: str, key: str, body: dict[str, object], status: int) -> None:
        answer = await self.commands.post(path, json=body, headers={"Idempotency-Key": key})
        assert answer.status_code == status, answer.text

    def project(self) -> None:
        visit = self._worker.run_until_idle(20)
        assert visit.idle, visit.failures

    async def query(self, path: str) -> dict[str, Any]:
        answer = await self.queries.get(path)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body
