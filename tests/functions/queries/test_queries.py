"""Queries over HTTP: from the views and from the log, in pages, and how fresh they are."""

import threading

import httpx

from projectors.processor.worker import Worker
from tests.functions.conftest import Ledger, SettableClock


def test_an_account_reflects_its_commands_and_says_which_version(
    api: httpx.Client, ledger: Ledger, worker: Worker, clock: SettableClock
) -> None:
    ledger.open("alice", balance=1000, owner="subject-1")
    ledger.post("/accounts/alice/holds", {"amount": 300})
    worker.run_until_idle(10)
    clock.advance(seconds=5)
    answer = api.get("/accounts/alice")
    assert answer.status_code == 200
    assert answer.headers["ETag"] == '"3"'
    assert answer.json() == {
        "account_id": "alice",
        "asset": "EUR/2",
        "owner": "subject-1",
        "name": None,
        "status": "open",
        "balance": 1000,
        "held": 300,
        "available": 700,
        "limits": {"per_debit": None, "per_day": None},
        "freshness": {
            "version": 3,
            "recorded_at": "2026-03-01T12:00:00+00:00",
            "age_seconds": 5.0,
            "reached": True,
            "parked": False,
            "incomplete": False,
        },
    }


def test_a_strong_reading_sees_what_no_view_has_yet(api: httpx.Client, ledger: Ledger) -> None:
    ledger.open("alice", balance=1000)
    assert api.get("/accounts/alice", params={"wait_ms": 0}).status_code == 404
    strong = api.get("/accounts/alice", params={"consistency": "strong"})
    assert (strong.json()["balance"], strong.json()["freshness"]["version"]) == (1000, 2)


def test_a_strong_reading_and_the_view_say_the_same(api: httpx.Client, ledger: Ledger, worker: Worker) -> None:
    ledger.open("alice", balance=1000)
    ledger.put("/accounts/alice/limits", {"per_day": 50})
    ledger.post("/accounts/alice/freeze", {"reason": "why"})
    worker.run_until_idle(10)
    assert api.get("/accounts/alice").json() == api.get("/accounts/alice?consistency=strong").json()


def test_a_query_with_a_position_waits_until_the_view_has_it(api: httpx.Client, ledger: Ledger, worker: Worker) -> None:
    ledger.open("alice")
    worker.run_until_idle(10)
    position = ledger.post("/accounts/alice/deposits", {"amount": 5}).headers["Tidemark-Position"]
    projecting = threading.Timer(0.2, worker.run_until_idle, [10])
    projecting.start()
    answer = api.get("/accounts/alice", params={"after": position, "wait_ms": 5000})
    projecting.join()
    assert (answer.json()["balance"], answer.json()["freshness"]["reached"]) == (5, True)


def test_a_query_whose_position_is_not_reached_in_time_says_so(
    api: httpx.Client, ledger: Ledger, worker: Worker
) -> None:
    ledger.open("alice")
    worker.run_until_idle(10)
    position = ledger.post("/accounts/alice/deposits", {"amount": 5}).headers["Tidemark-Position"]
    answer = api.get("/accounts/alice", params={"wait_ms": 20}, headers={"Tidemark-Position": position})
    assert answer.status_code == 200
    assert answer.json()["freshness"] | {"age_seconds": 0, "recorded_at": ""} == {
        "version": 1,
        "recorded_at": "",
        "age_seconds": 0,
        "reached": False,
        "parked": False,
        "incomplete": False,
    }


def test_a_position_that_nobody_gave_out_is_refused(api: httpx.Client) -> None:
    answer = api.get("/accounts/alice", params={"after": "abc"})
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")


def test_a_statement_is_paged_both_ways(api: httpx.Client, ledger: Ledger, worker: Worker) -> None:
    ledger.open("alice")
    for amount in range(1, 6):
        ledger.post("/accounts/alice/deposits", {"amount": amount, "reference": f"r{amount}"})
    worker.run_until_idle(10)

    def pages(order: str) -> list[list[str]]:
        found, cursor = [], None
        while True:
            params = {"limit": "2", "order": order} | ({"cursor": cursor} if cursor else {})
            page = api.get("/accounts/alice/statement", params=params).json()
            found.append([entry["reference"] for entry in page["data"]])
            cursor = page["next"]
            if cursor is None:
                return found

    assert pages("asc") == [["r1", "r2"], ["r3", "r4"], ["r5"]]
    assert pages("desc") == [["r5", "r4"], ["r3", "r2"], ["r1"]]


def test_a_statement_carries_running_balances_and_value_dates(
    api: httpx.Client, ledger: Ledger, worker: Worker
) -> None:
    ledger.open("alice", balance=1000)
    ledger.post("/accounts/alice/withdrawals", {"amount": 400, "effective_date": "1993-05-06", "reference": "rent"})
    worker.run_until_idle(10)
    entries = api.get("/accounts/alice/statement").json()["data"]
    assert [(e["kind"], e["signed"], e["balance"], e["effective_date"]) for e in entries] == [
        ("deposit", 1000, 1000, "2026-03-01"),
        ("withdrawal", -400, 600, "1993-05-06"),
    ]
    within = api.get("/accounts/alice/statement", params={"from": "1993-05-06", "to": "1993-05-06"}).json()
    assert [entry["reference"] for entry in within["data"]] == ["rent"]


def test_the_location_of_a_movement_leads_to_its_entry(api: httpx.Client, ledger: Ledger, worker: Worker) -> None:
    ledger.open("alice")
    location = ledger.post("/accounts/alice/deposits", {"amount": 7, "reference": "gift"}).headers["Location"]
    worker.run_until_idle(10)
    assert api.get(location).json()["reference"] == "gift"
    assert api.get("/accounts/alice/statement/1").json()["code"] == "NOT_FOUND"


def test_a_strong_statement_is_refused_rather_than_incomplete(
    api: httpx.Client, ledger: Ledger, worker: Worker
) -> None:
    ledger.open("alice", balance=5)
    behind = api.get("/accounts/alice/statement", params={"consistency": "strong"})
    assert (behind.status_code, behind.json()["code"], behind.headers["Retry-After"]) == (503, "VIEW_BEHIND", "1")
    worker.run_until_idle(10)
    complete = api.get("/accounts/alice/statement", params={"consistency": "strong"})
    assert complete.json()["freshness"]["version"] == 2


def test_open_holds_are_listed_by_expiry_and_found_by_number(api: httpx.Client, ledger: Ledger, worker: Worker) -> None:
    ledger.open("alice", balance=1000)
    ledger.post("/accounts/alice/holds", {"amount": 100, "reference": "late", "expires_at": "2026-05-01T00:00:00Z"})
    early = ledger.post("/accounts/alice/holds", {"amount": 200, "expires_at": "2026-04-01T00:00:00+02:00"})
    ledger.post("/accounts/alice/holds", {"amount": 300})
    ledger.post("/accounts/alice/holds/3/release")
    worker.run_until_idle(10)
    assert [hold["hold"] for hold in api.get("/accounts/alice/holds").json()["data"]] == [2, 1]
    assert api.get(early.headers["Location"]).json()["amount"] == 200
    assert api.get("/accounts/alice/holds/3").json()["code"] == "HOLD_NOT_FOUND"


def test_a_transfer_moves_the_money_and_can_be_followed(api: httpx.Client, ledger: Ledger, worker: Worker) -> None:
    ledger.open("alice", balance=100)
    ledger.open("bob")
    body = {"transfer_id": "t-1", "source": "alice", "target": "bob", "amount": 30, "asset": "EUR/2"}
    location = ledger.post("/transfers", body).headers["Location"]
    failing = ledger.post("/transfers", body | {"transfer_id": "t-2", "amount": 1000}).headers["Location"]
    worker.run_until_idle(10)
    assert api.get(location).json()["status"] == "completed"
    assert [api.get(f"/accounts/{name}").json()["available"] for name in ("alice", "bob")] == [70, 30]
    failed = api.get(failing, params={"consistency": "strong"}).json()
    assert (failed["status"], failed["code"]) == ("failed", "INSUFFICIENT_FUNDS")
    assert api.get("/transfers/t-3").json()["code"] == "TRANSFER_NOT_FOUND"


def test_totals_add_up_what_moved_by_day(
    api: httpx.Client, ledger: Ledger, worker: Worker, clock: SettableClock
) -> None:
    ledger.open("alice", balance=1000)
    ledger.open("bob", balance=50)
    clock.advance(days=1)
    ledger.post("/accounts/alice/withdrawals", {"amount": 300})
    ledger.open("carol", "JPY/0", balance=7)
    worker.run_until_idle(10)
    days = api.get("/totals", params={"asset": "EUR/2"}).json()["data"]
    assert [(day["day"], day["deposits"], day["withdrawals"], day["accounts_opened"]) for day in days] == [
        ("2026-03-01", 1050, 0, 2),
        ("2026-03-02", 0, 300, 0),
    ]
    later = api.get("/totals", params={"asset": "EUR/2", "from": "2026-03-02"}).json()["data"]
    assert [day["day"] for day in later] == ["2026-03-02"]
    assert api.get("/totals", params={"asset": "EUR/2", "consistency": "strong"}).status_code == 400


def test_the_accounts_of_an_owner_are_listed(api: httpx.Client, ledger: Ledger, worker: Worker) -> None:
    ledger.open("one", owner="subject-1")
    ledger.open("two", owner="subject-1")
    ledger.open("three", owner="subject-2")
    worker.run_until_idle(10)
    assert api.get("/owners/subject-1/accounts").json()["data"] == ["one", "two"]
    assert api.get("/owners/nobody/accounts").json()["data"] == []


def test_the_history_of_a_stream_comes_from_the_log_in_pages(api: httpx.Client, ledger: Ledger) -> None:
    ledger.open("alice", balance=5)
    ledger.post("/accounts/alice/withdrawals", {"amount": 1})
    first = api.get("/streams/account-alice/events", params={"limit": 2}).json()
    assert [event["type"] for event in first["data"]] == ["account.opened", "account.funds-credited"]
    rest = api.get("/streams/account-alice/events", params={"after": first["next"]}).json()
    assert ([event["version"] for event in rest["data"]], rest["next"]) == ([3], None)
    assert rest["data"][0]["prev"] == first["data"][1]["hash"]
    assert api.get("/streams/account-alice/events/2").json() == first["data"][1]
    assert api.get("/streams/account-bob/events").status_code == 404


def test_head_is_get_without_a_body(api: httpx.Client, ledger: Ledger, worker: Worker) -> None:
    ledger.open("alice")
    worker.run_until_idle(10)
    answer = api.head("/accounts/alice")
    assert (answer.status_code, answer.headers["ETag"], answer.content) == (200, '"1"', b"")


def test_health_says_that_it_lives_and_can_serve(api: httpx.Client) -> None:
    assert api.get("/health/live").json() == {"status": "ok", "hanging": []}
    assert api.get("/health/ready").json() == {"status": "ok", "checks": {"log": "ok", "views": "ok"}}


def test_the_local_document_tells_of_commands_and_queries(api: httpx.Client) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    assert set(paths["/accounts/{account_id}/holds"]) == {"get", "post"}
    assert "get" in paths["/totals"]
    assert "post" in paths["/transfers"]
