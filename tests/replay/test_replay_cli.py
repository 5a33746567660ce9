"""`tidemark replay` from outside: what it prints and how it exits."""

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from azure.cosmos import CosmosClient
from click.testing import Result
from typer.testing import CliRunner

from cli.replay.commands import app
from localazure.cosmos import LocalCosmos, serve
from projectors.database import Database
from projectors.ledger.views.statement import Statement
from projectors.processor.worker import Worker
from tests.replay.replaying import History

Run = Callable[..., Result]


@pytest.fixture
def run(cosmos: LocalCosmos, served: Worker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    server = serve(cosmos)
    monkeypatch.setenv("COSMOS_ENDPOINT", server.endpoint)
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "200")
    runner = CliRunner()
    yield lambda *arguments, **options: runner.invoke(app, list(arguments), **options)
    server.close()


def test_a_rebuild_prints_both_digests_and_the_way_back(run: Run) -> None:
    result = run("rebuild", "account-summary", "statement")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0] == "rebuild account-summary  v1 serves, building v2"
    before, after = (line.split()[2] for line in lines[1:3])
    assert (before, len(before)) == (after, 64)
    assert "72 events" in lines[3]
    assert "digests match; v2 serves, lag 0. Undo: tidemark replay switch account-summary 1" in lines[3]
    assert lines[4] == "rebuild statement  v1 serves, building v2"
    undone = run("switch", "account-summary", "1")
    assert undone.output == "account-summary v1 serves, lag 0. Undo: tidemark replay switch account-summary 2\n"


def test_a_rebuild_speaks_json_to_machines(run: Run) -> None:
    result = run("rebuild", "ledger-totals", "--json", "--no-switch")
    facts = json.loads(result.output.splitlines()[-1])
    assert (facts["event"], facts["view"], facts["switched"]) == ("done", "ledger-totals", False)
    assert facts["comparison"]["left"] == facts["comparison"]["right"]


def test_verify_exits_with_1_and_names_what_differs(run: Run, stores: Database) -> None:
    assert run("verify", "--all").exit_code == 0
    guard = stores.views.query("SELECT * FROM c WHERE STARTSWITH(c.pk, 'account-summary@1:')")[0]
    stores.views.replace(guard | {"state": guard["state"] | {"balance": 1}}, guard["_etag"])
    result = run("verify", "account-summary")
    assert result.exit_code == 1
    assert f"  {guard['stream']} at version {guard['version']}: not what the log gives" in result.output
    facts = json.loads(run("verify", "account-summary", "--json").output)
    assert facts["different"][0]["name"] == guard["stream"]


def test_status_shows_every_view_and_its_generations(run: Run, history: History) -> None:
    run("rebuild", "statement")
    result = run("status")
    rows = [line.split() for line in result.output.splitlines()]
    assert rows[0] == ["view", "gen", "state", "lag", "behind", "events/s", "retries", "parked", "worker"]
    shown = {(row[0], row[1]): row for row in rows[1:]}
    for generation, state in (("v2", "serving"), ("v1", "kept")):
        found, lag, behind, unit, rate, retries, parked, worked = shown["statement", generation][2:]
        assert (found, lag, behind, unit, retries, parked, worked) == (state, "0", "0.0", "s", "0", "0", "no")
        assert float(rate.replace(",", "")) > 0
    history.write(1)
    facts = json.loads(run("status", "--json").output)
    assert {row["lag_transactions"] for row in facts["views"]} == {1}
    assert {row["lag_events"] for row in facts["views"]} == {1}
    assert all(row["lag_events_counted"] and row["recent_seconds"] > 0 for row in facts["views"])


def test_status_and_the_log_say_what_was_begun_by_other_code(
    run: Run, history: History, served: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    history.write(1)
    served.run_until_idle(30)
    assert "other code" not in run("status").output
    monkeypatch.setattr(Statement, "version", 2)
    history.write(1)
    served.run_until_idle(30)
    (line,) = [record.getMessage() for record in caplog.records if "other code" in record.getMessage()]
    assert line.startswith("statement@1 was begun by other code (1-")
    assert "statement v1 was begun by other code" in run("status").output
    facts = json.loads(run("status", "--json").output)
    assert [row["view"] for row in facts["views"] if row["begun_by_other_code"]] == ["statement"]
    run("rebuild", "statement", "--accept-changes")
    assert "other code" not in run("status").output


def test_status_tells_what_had_to_be_done_again(
    run: Run, history: History, served: Worker, cosmos: LocalCosmos
) -> None:
    history.write(20)
    cosmos.faults.add(status=429, retry_after_ms=1, count=5, container="views", operation="batch")
    served.run_until_idle(30)
    rows = [line.split() for line in run("status").output.splitlines()]
    assert sum(int(row[row.index("throttled") - 1]) for row in rows if "throttled" in row) == 5
    facts = json.loads(run("status", "--json").output)
    assert sum(row["retries"]["throttled"] for row in facts["views"]) == 5


def test_watching_shows_what_happened_since_the_last_look(
    run: Run, history: History, served: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []

    def work_between(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            raise KeyboardInterrupt
        if len(looks) == 1:
            history.write(20)
            served.run_until_idle(30)

    monkeypatch.setattr("cli.replay.commands.time", SimpleNamespace(sleep=work_between))
    lines = run("status", "--watch", "--json").output.splitlines()
    first, second, third = (json.loads(line) for line in lines if line.startswith("{"))
    rates = [{row["view"]: row["events_per_second"] for row in look["views"]} for look in (first, second, third)]
    assert rates[1]["statement"] > 0
    assert set(rates[2].values()) == {0.0}


def test_dead_letters_are_listed_shown_retried_and_dropped(
    run: Run, history: History, served: Worker, monkeypatch: pytest.MonkeyPatch, client: CosmosClient
) -> None:
    assert run("deadletters", "list").output == "nothing is parked\n"
    sound = Statement.apply

    def refuse(self: Statement, change: object, event: object) -> None:
        raise ValueError("no more")

    monkeypatch.setattr(Statement, "apply", refuse)
    history.write(1)
    served.run_until_idle(30)
    (line,) = run("deadletters", "list").output.splitlines()
    assert line.startswith("statement v1  account-acc")
    assert line.endswith("1 event waits: ValueError: no more")
    stream, version = line.split()[2], line.split()[4]
    shown = run("deadletters", "show", "statement", stream)
    assert "state" in shown.output
    assert '"amount"' in shown.output
    failed = run("deadletters", "retry", "statement", stream)
    assert (failed.exit_code, "still at version" in failed.output) == (1, True)
    kept = run("deadletters", "drop", "statement", stream, version, input="n\n")
    assert (kept.exit_code, f"versions from {int(version) + 1} on are applied without" in kept.output) == (1, True)
    assert run("deadletters", "list").output.startswith("statement")
    monkeypatch.setattr(Statement, "apply", sound)
    assert run("deadletters", "retry", "statement").output == f"{stream}: applied\n"
    assert run("deadletters", "show", "statement", stream).exit_code == 1
    monkeypatch.setattr(Statement, "apply", refuse)
    history.write(1)
    served.run_until_idle(30)
    line = run("deadletters", "list", "statement").output
    dropped = run("deadletters", "drop", "statement", line.split()[2], line.split()[4], "--yes")
    assert "left out, the rest applied" in dropped.output
    assert "`tidemark replay rebuild statement` takes it in again" in dropped.output


def test_dead_letters_are_looked_for_before_anything_is_asked_or_said(
    run: Run, history: History, served: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("deadletters", "retry", "statement").output == "nothing waits\n"
    named = run("deadletters", "retry", "statement", "account-nosuch")
    assert (named.exit_code, named.output) == (1, "account-nosuch: nothing waits\n")

    def refuse(self: Statement, change: object, event: object) -> None:
        raise ValueError("no more")

    monkeypatch.setattr(Statement, "apply", refuse)
    history.write(1)
    served.run_until_idle(30)
    (line,) = run("deadletters", "list").output.splitlines()
    stream, version = line.split()[2], int(line.split()[4])
    for where in ((stream, str(version + 1)), ("account-nosuch", "1")):
        refused = run("deadletters", "drop", "statement", *where, input="y\n")
        assert (refused.exit_code, "Leave version" in refused.output) == (1, False)
        assert "is not parked at" in refused.stderr
    shown = run("deadletters", "show", "statement", stream).output.splitlines()
    (meta,) = [line.split(maxsplit=1)[1] for line in shown if line.split()[0] == "meta"]
    assert "recorded_at" in json.loads(meta)


def test_a_poison_event_exits_with_3_and_goes_on_with_the_same_command(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = Statement.apply

    def refuse(self: Statement, change: object, event: object) -> None:
        raise ValueError("no more")

    monkeypatch.setattr(Statement, "apply", refuse)
    result = run("rebuild", "statement")
    assert result.exit_code == 3
    assert "statement cannot apply account-acc" in result.stderr
    assert "no more" in result.stderr
    monkeypatch.setattr(Statement, "apply", sound)
    assert run("rebuild", "statement").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["rebuild"], 2, "give --all"),
        (["rebuild", "balances"], 2, "there is no view 'balances'; there are account-summary"),
        (["switch", "statement", "9"], 2, "statement has no generation 9; it has 1"),
        (["drop", "statement", "1"], 1, "statement v1 serves: switch to another one first"),
        (["deadletters", "show", "statement", "account-x"], 1, "not parked"),
    ],
)
def test_wrong_usage_is_one_clear_line(run: Run, arguments: list[str], code: int, says: str) -> None:
    result = run(*arguments)
    assert result.exit_code == code
    assert says in result.stderr
    assert "Traceback" not in result.output + result.stderr


def test_an_abandoned_rebuild_is_cleared_away(run: Run, stores: Database) -> None:
    assert run("abandon", "statement").output == "no rebuild of statement is under way\n"
    stores.registry.build("statement", by="gone", at="2026-11-23T12:00:00+00:00")
    assert "statement v2 is gone" in run("abandon", "statement").output
    assert run("rebuild", "statement").output.startswith("rebuild statement  v1 serves, building v3")
    assert "statement v1 is gone" in run("drop", "statement", "1").output


def test_a_store_that_is_away_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSMOS_ENDPOINT", "http://127.0.0.1:9/")
    result = CliRunner().invoke(app, ["status"])
    assert result.exit_code == 1
    assert result.stderr.startswith("Cosmos DB gives no answer (")
    assert len(result.stderr.splitlines()) == 1
