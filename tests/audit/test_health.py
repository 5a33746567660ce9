"""The health page: lag, dead letters, stuck transfers, conservation of money, the last digest."""

from datetime import UTC, datetime, timedelta

import httpx
from azure.cosmos import CosmosClient

from audit.digests.archive import KeptDigest
from eventstore.log.documents import event_id
from functions.http.dependencies import Dependencies
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from tests.audit.bank import Bank
from tests.audit.serving import audit_app
from tests.support.asgi import AsgiThread


def test_health_shows_lag_conservation_and_stuck_transfers(
    api: httpx.Client, bank: Bank, client: CosmosClient, database: str
) -> None:
    worker = Worker(client, database, views=VIEWS.values())
    behind = api.get("/audit/data/health").json()
    assert {consumer["begun"] for consumer in behind["consumers"]} == {False}
    worker.run_until_idle(20)
    bank.deposit("alice", 100)
    lagging = api.get("/audit/data/health").json()
    assert max(consumer["transactions"] for consumer in lagging["consumers"]) == 1
    bank.clock.now = datetime.now(UTC) - timedelta(minutes=5)
    bank.transfer("t9", 50, drive=False)
    worker.run_until_idle(20)
    found = api.get("/audit/data/health").json()
    assert found["unknown"] == {}
    conserved, stuck = found["checks"]
    assert conserved["rows"] == [{"cells": ["EUR/2", "9.00", "9.00", "0.00"], "verdict": "good", "word": "conserved"}]
    assert [row["cells"][0] for row in stuck["rows"]] == ["t9"]
    assert stuck["verdict"] == "bad"
    assert len(found["consumers"][0]["history"]) == 2
    assert "Lag over the last 3 looks" in api.get("/audit/health").text


def test_money_that_a_view_made_up_is_not_conserved(
    api: httpx.Client, bank: Bank, client: CosmosClient, database: str
) -> None:
    Worker(client, database, views=VIEWS.values()).run_until_idle(20)
    views = client.get_database_client(database).get_container_client("views")
    query = (
        "SELECT * FROM c WHERE c.stream = 'account-alice' AND IS_DEFINED(c.state.balance) AND IS_DEFINED(c.state.held)"
    )
    (item,) = views.query_items(query, enable_cross_partition_query=True)
    item["state"]["balance"] += 1
    views.replace_item(item["id"], item)
    assert api.get("/audit/data/health").json()["checks"][0]["verdict"] == "bad"
    assert "NOT conserved" in api.get("/audit/health").text


def test_health_shows_the_last_digest_and_what_cannot_be_looked_at(
    services: Dependencies, client: CosmosClient, database: str, sealed: KeptDigest
) -> None:
    app = audit_app(services, client, database, digests=sealed.path.parent)
    with httpx.Client(transport=AsgiThread(app), base_url="http://localhost") as api:
        assert api.get("/audit/data/health").json()["digest"]["root"] == sealed.digest.root
        assert sealed.digest.root in api.get("/audit/health").text
        sealed.path.write_text("{}")
        assert "is not a digest" in api.get("/audit/data/health").json()["unknown"]["digest"]
        assert "cannot be looked at" in api.get("/audit/health").text


def test_a_parked_stream_is_shown_with_the_event_that_stopped_it(
    api: httpx.Client, bank: Bank, client: CosmosClient, database: str
) -> None:
    document = bank.document("account-bob", 2)
    bank.events.create_item(
        document | {"id": event_id(3), "version": 3, "commandId": "odd", "state": '{"amount":"many"}'}
    )
    Worker(client, database, views=VIEWS.values()).run_until_idle(20)
    parked = api.get("/audit/data/health").json()["parked"]
    assert {(each["stream"], each["version"], each["upto"]) for each in parked} == {("account-bob", 2, 3)}
    page = api.get("/audit/health").text
    assert '<a href="/audit/streams/account-bob?upto=3">account-bob</a>' in page
    assert "tidemark replay deadletters list" in page
