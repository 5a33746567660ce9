"""The service as it is deployed: each app with the rights of its own identity, and no more."""

from typing import Any

import httpx
from starlette.types import ASGIApp

from functions.commands import app as commands_app
from functions.composition import build_consumers, build_services
from functions.queries import app as queries_app
from functions.settings import Settings
from tests.infra.authority import Account


def _caller(app: ASGIApp) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://tidemark")


class Apps:
    """Both HTTP apps and the worker, each on a client of its own role."""

    def __init__(self, account: Account, database: str) -> None:
        settings = Settings(auth="none")
        commands, queries = (build_services(settings, account.client(r), database) for r in ("commands", "queries"))
        self.commands = _caller(commands_app.create_app(commands))
        self.queries = _caller(queries_app.create_app(queries))
        self._worker = build_consumers(account.client("projectors"), database).worker

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
