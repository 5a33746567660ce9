"""The machinery without a ledger: python -m tests.seam.without_a_ledger parcels|nothing, in a copy that has none.

Every module is imported; the service starts and is ready; and with parcels the page's session, a rebuild, a
verification, the audit, a digest and an export.
"""

import doctest
import importlib
import io
import pkgutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from azure.cosmos import CosmosClient
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.audit import Audit
from audit.digests.archive import Archive
from audit.export.write import export_log
from audit.sealing import seal
from audit.verification.verify import verify_log
from eventstore.cosmos.containers import create_containers
from eventstore.environment import load
from functions.composition import build_audit, build_consumers, build_services
from functions.hosting import local
from functions.settings import Settings
from localazure.cosmos import LocalCosmos
from projectors.database import Database
from projectors.settings import WorkerSettings
from replay.rebuild.rebuild import rebuild
from replay.status import status
from replay.verify import verify
from service import SERVICE
from tests.seam.page import SESSION
from tests.support.asgi import AsgiThread

ROOMS = ("domain", "eventstore", "projectors", "replay", "audit", "functions", "devkit", "localazure", "cli", "infra")


def import_everything() -> int:
    """Every module of the product; how many."""
    names = [name for room in ROOMS for name in modules(room)]
    for name in names:
        importlib.import_module(name)
    return len(names)


def modules(room: str) -> Iterator[str]:
    package = importlib.import_module(room)
    for found in pkgutil.walk_packages(package.__path__, f"{room}."):
        if not found.name.endswith("__main__") and not found.name.startswith("infra.package"):
            yield found.name


@contextmanager
def served(client: CosmosClient) -> Iterator[httpx.Client]:
    """Both apps, and the consumers at work."""
    services = build_services(SERVICE, load(Settings, auth="none", max_wait_ms=10_000), client, "tidemark")
    audit = build_audit(SERVICE, services.settings, client, "tidemark", services.personal)
    settings = WorkerSettings(parallel=0, refresh=0.05, idle_max=0.02)
    consumers = build_consumers(SERVICE, client, "tidemark", store=services.store, settings=settings)
    stop = threading.Event()
    thread = threading.Thread(target=consumers.run, args=(stop,))
    thread.start()
    try:
        with httpx.Client(
            transport=AsgiThread(local.create_app(SERVICE, services, audit)),
            base_url="http://localhost",
            params={"wait_ms": 10_000},
        ) as api:
            yield api
    finally:
        stop.set()
        thread.join()


def check_parcels(api: httpx.Client, client: CosmosClient) -> None:
    """The page's session, and all that comes without another line."""
    if SESSION is None:
        raise SystemExit("the page shows no session")
    test = doctest.DocTestParser().get_doctest(SESSION[1], {"api": api}, "your-own-domain.md", None, 0)
    results = doctest.DocTestRunner().run(test)
    if results.failed or results.attempted < 8:
        raise SystemExit(1)
    print("session holds")
    expect(rebuild(client, "tidemark", SERVICE.views["parcels"]).generation == 2, "a rebuild")
    stores = Database.open(client, "tidemark")
    expect(verify(stores, SERVICE.views["parcels"]).right, "a verification")
    expect(
        [row.view for row in status(stores, SERVICE.views).views if row.state == "serving"] == ["parcels"],
        "status",
    )
    found = api.get("/parcels/p1", params={"wait_ms": 10_000}).json()["parcel"]
    expect(found == {"destination": "bern", "scans": 2, "place": "bern"}, "the view after it")
    events = api.get("/streams/parcel-p1/events").json()["data"]
    expect([event["type"] for event in events] == ["parcel.handed-in", "parcel.scanned", "parcel.scanned"], "history")
    for path in ("/audit", "/audit/streams/parcel-p1", "/audit/streams/parcel-p1/state?version=2", "/audit/health"):
        expect(api.get(path).status_code == 200, path)
    expect("parcel.scanned" in api.get("/audit/streams/parcel-p1").text, "sentences are names of types")
    check_the_log(client)


def check_the_log(client: CosmosClient) -> None:
    """Verified, sealed and exported."""
    audit = Audit.open(client, "tidemark", SERVICE.narration)
    expect(verify_log(audit.log).sound, "every chain")
    with tempfile.TemporaryDirectory() as folder:
        key = Ed25519PrivateKey.generate()
        kept = seal(audit.log, Archive(Path(folder)), key, database="tidemark", made_at="2026-12-01T00:00:00+00:00")
        expect(kept.digest.events == 3, "a digest")
    out = io.StringIO()
    export_log(audit.log, out, form="jsonl", database="tidemark", made_at="now", streams=["parcel-p1"])
    expect("parcel.handed-in" in out.getvalue(), "an export")


def expect(holds: bool, what: str) -> None:
    if not holds:
        raise SystemExit(f"not so: {what}")


def main() -> None:
    if any("ledger" in name.split(".") for name in sys.modules):
        raise SystemExit("a ledger was imported")
    print(f"every module imports: {import_everything()}")
    with LocalCosmos() as cosmos:
        client = cosmos.client()
        create_containers(client, "tidemark", SERVICE.views.indexed)
        with served(client) as api:
            answer = api.get("/health/ready")
            expect(answer.status_code == 200, f"ready: {answer.text}")
            expect(api.get("/openapi.json").status_code == 200, "an OpenAPI document")
            print("ready")
            if sys.argv[1:] == ["parcels"]:
                check_parcels(api, client)


if __name__ == "__main__":
    main()
