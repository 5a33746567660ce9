"""The API in process: both apps behind one port, the real store underneath, a clock to set, a worker to drive."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from azure.cosmos import CosmosClient

from eventstore.environment import load
from functions.audit import AuditDesk
from functions.composition import build_audit, build_consumers, build_services
from functions.hosting import local
from functions.http.dependencies import Dependencies
from functions.settings import Settings
from projectors.processor.worker import Worker
from service import SERVICE
from tests.support.asgi import AsgiThread


@dataclass
class SettableClock:
    now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def services(client: CosmosClient, database: str, clock: SettableClock) -> Dependencies:
    settings = load(Settings, auth="none", max_wait_ms=2_000)
    return replace(build_services(SERVICE, settings, client, database), clock=clock)


@pytest.fixture
def worker(client: CosmosClient, database: str) -> Worker:
    return build_consumers(SERVICE, client, database).worker


@pytest.fixture
def audit(services: Dependencies, client: CosmosClient, database: str) -> AuditDesk:
    return build_audit(SERVICE, services.settings, client, database, services.personal)


@pytest.fixture
def api(services: Dependencies, audit: AuditDesk) -> Iterator[httpx.Client]:
    app = local.create_app(SERVICE, services, audit)
    with httpx.Client(transport=AsgiThread(app), base_url="http://localhost") as http:
        yield http


class Ledger:
    """Commands with keys of their own, in few words."""

    def __init__(self, api: httpx.Client) -> None:
        self._api = api
        self._keys = 0

    def post(self, path: str, body: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        return self._send("POST", path, body, headers)

    def put(self, path: str, body: dict[str, Any]) -> httpx.Response:
        return self._send("PUT", path, body, {})

    def open(self, account: str, asset: str = "EUR/2", *, balance: int = 0, **more: str) -> None:
        opened = self.post("/accounts", {"account_id": account, "asset": asset, **more})
        assert opened.status_code == 201, opened.text
        if balance:
            assert self.post(f"/accounts/{account}/deposits", {"amount": balance}).status_code == 201

    def _send(self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]) -> httpx.Response:
        self._keys += 1
        return self._api.request(method, path, json=body, headers={"Idempotency-Key": f"key-{self._keys}"} | headers)


@pytest.fixture
def ledger(api: httpx.Client) -> Ledger:
    return Ledger(api)
