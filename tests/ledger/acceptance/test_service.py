"""The whole path as a person walks it: start, commands, queries, import, kill, resume, check, rebuild, stop."""

import subprocess
import time
from pathlib import Path

import httpx
import pytest

from tests.ledger.acceptance.service import COMMAND, Service, bank_file, client, running, start, tidemark

CURL = "application/x-www-form-urlencoded"


def await_account(api: httpx.Client, account: str, position: str) -> httpx.Response:
    return api.get(f"/accounts/{account}", params={"after": position, "wait_ms": 5000})


def test_the_lines_of_the_readme_work_as_printed() -> None:
    with running("--memory") as service, client(service) as api:
        assert any(line.startswith("Try") and "curl -X POST" in line for line in service.banner)

        def post(path: str, key: str, body: str) -> httpx.Response:
            return api.post(path, content=body, headers={"Idempotency-Key": key, "Content-Type": CURL})

        assert post("/accounts", "open", '{"account_id": "alice", "asset": "EUR/2"}').status_code == 201
        assert post("/accounts/alice/deposits", "1", '{"amount": 500}').json()["balance"] == 500
        refused = post("/accounts/alice/withdrawals", "2", '{"amount": 90000}')
        assert (refused.status_code, refused.json()["available"]) == (422, 500)
        again = post("/accounts/alice/deposits", "1", '{"amount": 500}')
        assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
        seen = await_account(api, "alice", again.headers["Tidemark-Position"])
        assert (seen.status_code, seen.json()["balance"]) == (200, 500)
        entries = api.get("/accounts/alice/statement?consistency=strong").json()["data"]
        assert [entry["balance"] for entry in entries] == [500]
        assert api.get("/openapi.json").status_code == 200
        printed = service.stop()
        assert service.process.returncode == 0
        assert "201 OpenAccount alice v1" in printed
        assert "201 Deposit alice v2 +5.00 EUR" in printed
        assert "422 Withdraw alice: 90000 EUR/2 asked, 500 available" in printed
        assert "Traceback" not in printed


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    return bank_file(tmp_path / "bank.csv", accounts=6, rows=120)


@pytest.mark.timeout(300)
def test_an_import_that_is_killed_half_way_resumes_and_every_balance_is_the_banks(tmp_path: Path, bank: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    with running(*data) as service:
        importing = subprocess.Popen([*COMMAND, "import", str(bank), "--url", service.url], stderr=subprocess.DEVNULL)
        await_rows(service, "7000", 3)
        service.kill()
        importing.kill()
        importing.wait()
    with running(*data) as service:
        resumed = tidemark("import", str(bank), "--url", service.url)
        assert resumed.returncode == 0, resumed.stderr
        new, known = imported(resumed.stdout)
        assert (new + known, known > 0, new > 0) == (120, True, True)
        checked = tidemark("import", "--check", str(bank), "--url", service.url)
        assert (checked.returncode, checked.stdout) == (0, "120 of 120 rows agree\n"), checked.stdout + checked.stderr
        second = tidemark("import", str(bank), "--url", service.url)
        assert imported(second.stdout) == (0, 120)
        rebuild_gives_the_same(service)
        assert service.stop().count("Traceback") == 0


def await_rows(service: Service, account: str, rows: int) -> None:
    with client(service) as api:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            answer = api.get(f"/streams/account-{account}/events")
            if answer.status_code == 200 and len(answer.json()["data"]) > rows:
                return
            time.sleep(0.02)
    raise AssertionError(f"account {account} has not {rows} rows after 30 s")


def imported(line: str) -> tuple[int, int]:
    """New and known rows of the closing line."""
    words = line.replace(",", "").split()
    return int(words[0]), int(words[3])


def rebuild_gives_the_same(service: Service) -> None:
    """Without --accept-changes a rebuild ends well only when the digests of old and new agree."""
    rebuilt = tidemark("replay", "rebuild", "account-summary", "statement", COSMOS_ENDPOINT=service.cosmos)
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
    assert rebuilt.stdout.count("digests match") == 2, rebuilt.stdout


def test_a_balance_that_differs_from_the_banks_is_told_and_exits_1(bank: Path) -> None:
    with running("--memory") as service:
        assert tidemark("import", str(bank), "--url", service.url).returncode == 0
        lines = bank.read_text().splitlines()
        lines[5] = lines[5].replace(",made up,", "0,made up,").replace(",,", ",")
        fields = lines[5].split(",")
        bank.write_text("\n".join([*lines[:5], ",".join([*fields[:8], ""]), *lines[6:]]) + "\n")
        checked = tidemark("import", "--check", "--wait", "0.5", str(bank), "--url", service.url)
        assert checked.returncode == 1
        assert checked.stdout.splitlines()[0] == "119 of 120 rows agree"
        assert f"{bank}:6: account" in checked.stdout


def test_a_bad_row_stops_the_import_before_anything_is_sent(tmp_path: Path) -> None:
    bank = bank_file(tmp_path / "bank.csv", accounts=2, rows=6)
    bank.write_text(bank.read_text().replace("credit", "Credit", 1))
    done = tidemark("import", str(bank), "--url", "http://localhost:9")
    assert done.returncode == 2
    assert f"{bank}:2: column 5 (kind): expected credit or debit" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_service_is_one_clear_line(bank: Path) -> None:
    done = tidemark("import", str(bank), "--url", "http://localhost:9", "--concurrency", "1")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "no service answers at http://localhost:9" in done.stderr


def test_a_port_in_use_is_one_clear_line() -> None:
    with running("--memory") as service:
        port = service.url.rpartition(":")[2]
        done = tidemark("up", "--memory", "--port", port)
        assert done.returncode == 1
        assert (
            done.stderr == f"tidemark: port {port} for the API is in use: choose another with --port or TIDEMARK_PORT\n"
        )


def test_data_of_another_version_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "version").write_text("99\n")
    options = ["--port", "0", "--cosmos-port", "0", "--eventhubs-port", "0"]
    done = tidemark("up", "--data", str(tmp_path), *options)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "holds data of version 99" in done.stderr


def test_a_missing_setting_is_one_clear_line_that_names_the_variable() -> None:
    done = tidemark("serve", "queries", "--port", "0")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "TIDEMARK_AUTH_ISSUER" in done.stderr


def test_without_authentication_only_loopback_is_served() -> None:
    done = tidemark("serve", "all", "--host", "0.0.0.0", "--port", "0", TIDEMARK_AUTH="none")
    assert done.returncode == 1
    assert "TIDEMARK_AUTH=none serves this machine only" in done.stderr


def test_sigterm_ends_it_cleanly_and_the_data_is_there_again(tmp_path: Path) -> None:
    options = ("--data", str(tmp_path / "data"))
    service = start(*options)
    with client(service) as api:
        api.post("/accounts", json={"account_id": "alice", "asset": "EUR/2"}, headers={"Idempotency-Key": "1"})
    service.stop()
    assert service.process.returncode == 0
    with running(*options) as again, client(again) as api:
        assert api.get("/accounts/alice?consistency=strong").json()["status"] == "open"
