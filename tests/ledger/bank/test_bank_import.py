"""The importer against an API that is slow, away, or says no: order, once, and clear words."""

import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from devkit.ledger.bank.api import BankApi, BankApiError
from devkit.ledger.bank.check import check_rows
from devkit.ledger.bank.importing import RowRefused, import_rows
from tests.ledger.acceptance.service import bank_file


class Ledger:
    """An API in memory that fails now and then; `refuse` and `fail` say when."""

    def __init__(self) -> None:
        self.balances: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self.answers: dict[str, httpx.Response] = {}
        self.lock = threading.Lock()
        self.requests = 0
        self.refuse = ""
        self.fail_every = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            self.requests += 1
            if self.fail_every and self.requests % self.fail_every == 0:
                raise httpx.ReadError("the answer was lost", request=request)
            if request.method == "GET":
                account = request.url.path.split("/")[2]
                return httpx.Response(200, json={"data": self.balances[account], "next": None})
            return self._command(request)

    def _command(self, request: httpx.Request) -> httpx.Response:
        key = request.headers["Idempotency-Key"]
        if key in self.answers:
            return httpx.Response(201, headers={"Idempotency-Replayed": "true"})
        if key == self.refuse:
            return httpx.Response(422, json={"code": "INSUFFICIENT_FUNDS", "detail": "10 asked, 0 available"})
        self.answers[key] = httpx.Response(201)
        body = json.loads(request.content)
        if request.url.path != "/accounts":
            _, _, account, kind = request.url.path.split("/")
            last = self.balances[account][-1]["balance"] if self.balances[account] else 0
            signed = body["amount"] if kind == "deposits" else -body["amount"]
            facts = {"signed": signed, "effective_date": body["effective_date"]}
            self.balances[account].append({"reference": body["reference"], "balance": last + signed, **facts})
        return self.answers[key]


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def api(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[BankApi]:
    monkeypatch.setattr("devkit.ledger.bank.api._FIRST_PAUSE_SECONDS", 0.0)
    with BankApi("http://bank", connections=4, transport=httpx.MockTransport(ledger)) as made:
        yield made


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    return bank_file(tmp_path / "bank.csv", accounts=5, rows=100)


def test_rows_of_an_account_arrive_in_order_and_balances_agree(ledger: Ledger, api: BankApi, bank: Path) -> None:
    result = import_rows(bank, api, asset="CZK/2", concurrency=4)
    assert (result.new, result.known, result.accounts) == (100, 0, 5)
    checked = check_rows(bank, api, concurrency=2, wait_seconds=0)
    assert (checked.agree, checked.rows, checked.differences) == (100, 100, [])


def test_lost_answers_are_asked_for_again_and_take_effect_once(ledger: Ledger, api: BankApi, bank: Path) -> None:
    ledger.fail_every = 3
    import_rows(bank, api, asset="CZK/2", concurrency=4)
    ledger.fail_every = 0
    assert check_rows(bank, api, concurrency=2, wait_seconds=0).agree == 100


def test_a_second_import_changes_nothing_and_sends_no_row_that_the_statement_shows(
    ledger: Ledger, api: BankApi, bank: Path
) -> None:
    import_rows(bank, api, asset="CZK/2", concurrency=4)
    ledger.requests = 0
    again = import_rows(bank, api, asset="CZK/2", concurrency=4)
    assert (again.new, again.known, again.accounts) == (0, 100, 0)
    assert ledger.requests == 2 * 5


def test_rows_that_the_statement_does_not_show_yet_are_sent_again_and_known_by_their_keys(
    ledger: Ledger, api: BankApi, bank: Path
) -> None:
    import_rows(bank, api, asset="CZK/2", concurrency=4)
    for entries in ledger.balances.values():
        del entries[10:]
    again = import_rows(bank, api, asset="CZK/2", concurrency=4)
    assert (again.new, again.known) == (0, 100)


def test_a_row_that_was_in_with_another_amount_is_not_passed_over(ledger: Ledger, api: BankApi, bank: Path) -> None:
    import_rows(bank, api, asset="CZK/2", concurrency=4)
    ledger.balances["7000"][0]["signed"] += 1
    ledger.requests = 0
    import_rows(bank, api, asset="CZK/2", concurrency=4)
    assert ledger.requests == 2 * 5 + 1


def test_a_refused_row_stops_the_import_with_its_line_and_the_reason(ledger: Ledger, api: BankApi, bank: Path) -> None:
    ledger.refuse = "transaction-90050"
    with pytest.raises(RowRefused, match=r"bank\.csv:52: transaction 90050 of account 7000 is refused: INSUFFICIENT"):
        import_rows(bank, api, asset="CZK/2", concurrency=4)
    assert {entry["reference"] for entry in ledger.balances["7000"]} == {f"{90_000 + 5 * n}" for n in range(10)}


def test_an_api_that_never_answers_is_given_up(ledger: Ledger, api: BankApi, bank: Path) -> None:
    ledger.fail_every = 1
    with pytest.raises(BankApiError, match="got no answer: the answer was lost"):
        import_rows(bank, api, asset="CZK/2", concurrency=1)


def test_rows_that_are_not_in_the_statement_are_told(api: BankApi, bank: Path) -> None:
    checked = check_rows(bank, api, concurrency=2, wait_seconds=0)
    assert (checked.agree, len(checked.differences)) == (0, 10)
    assert checked.differences[0].endswith("transaction 90000: not in the statement")
