"""`tidemark replay rebuild` from outside: forecast, several processes, the past, single streams, old generations."""

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli.command_line import connect
from cli.replay.commands import app
from localazure.cosmos import LocalCosmos, serve
from projectors.database import Database
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from replay.rebuild import parallel as workers
from replay.verify import verify
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


def test_a_dry_run_says_what_a_rebuild_would_take(run: Run, stores: Database) -> None:
    result = run("rebuild", "account-summary", "--dry-run", "--price", "1000000")
    lines = result.output.splitlines()
    assert lines[0] == "forecast account-summary  v1 serves, v2 would be built"
    assert lines[1] == "  72 events, 6 items if it comes out as v1"
    units = float(lines[2].split()[1].replace(",", ""))
    assert float(lines[3].split()[1].replace(",", "")) == pytest.approx(units, abs=1)
    assert stores.registry.of("account-summary").all == [1]
    facts = json.loads(run("rebuild", "account-summary", "--dry-run", "--json").output)
    assert (facts["event"], facts["events"], facts["price"]) == ("forecast", 72, 0.25)


def test_single_streams_are_mended_where_they_lie(run: Run, stores: Database) -> None:
    (guard,) = stores.views.query("SELECT * FROM c WHERE c.id = '~acc1' AND STARTSWITH(c.pk, 'account-summary@1')")
    stores.views.replace(guard | {"state": {"balance": 1}}, guard["_etag"])
    result = run("rebuild", "account-summary", "--only", "account-acc1", "--only", "account-acc2")
    first, second = result.output.splitlines()
    assert first.startswith("account-summary v1  account-acc1: mended, 1 document written, at version ")
    assert second.startswith("account-summary v1  account-acc2: right already, at version ")
    assert verify(stores, VIEWS["account-summary"]).right
    assert "rebuild it whole" in run("rebuild", "ledger-totals", "--only", "account-acc1").stderr


def test_a_view_of_the_past_is_built_listed_shown_and_dropped(run: Run) -> None:
    assert run("past", "list").output == "there is none\n"
    until = datetime.now(UTC).isoformat()
    title, built = run("rebuild", "account-summary", "--until", until).output.splitlines()
    assert title == f"build account-summary as of {until}"
    name = built.split()[0]
    assert "6 streams, 6 items, digest " in built
    assert run("past", "list").output == f"{built}\n"
    (row,) = run("past", "show", name, "account-acc1").output.splitlines()
    assert json.loads(row)["state"]["account"] == "acc1"
    assert run("past", "drop", name).output == f"{name} is gone: 6 documents\n"
    assert "there is none" in run("past", "show", name).stderr


def test_old_generations_are_pruned_and_the_rebuild_says_what_it_removed(run: Run) -> None:
    assert run("rebuild", "statement").exit_code == 0
    assert run("prune", "statement").output == ""
    assert run("prune", "--all", "--keep-days", "0").output.startswith("statement v1 is gone: ")
    assert "  removed v2, kept long enough: " in run("rebuild", "statement", "--keep-days", "0").output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--dry-run", "--until", "2026-01-01"], "exclude each other"),
        (["--workers", "2", "--until", "2026-01-01"], "a view of the past is built by one process"),
        (["--until", "tomorrow"], "neither a time"),
    ],
)
def test_what_does_not_go_together_is_one_clear_line(run: Run, arguments: list[str], says: str) -> None:
    result = run("rebuild", "statement", *arguments)
    assert (result.exit_code, says in result.stderr) == (2, True)


@pytest.fixture
def split(cosmos: LocalCosmos, database: str, history: History, served: Worker) -> None:
    """Four ranges to share."""
    for _ in range(3):
        cosmos.split(database, "events")
    history.write(200)
    served.run_until_idle(30)


@pytest.mark.usefixtures("split")
def test_several_processes_build_what_one_does(run: Run, stores: Database) -> None:
    result = run("rebuild", "ledger-totals", "--workers", "2")
    assert result.exit_code == 0, result.output
    assert "digests match; v2 serves" in result.output
    assert "272 events" in result.output
    assert verify(stores, VIEWS["ledger-totals"]).right


@pytest.mark.usefixtures("split")
def test_what_a_killed_process_left_is_done_by_the_others(
    run: Run, stores: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear, killed = workers._hear, []

    def kill_at_first_word(pipe: object, spent: object) -> bool:
        if not killed:
            killed.append(multiprocessing.active_children()[0].pid)
            os.kill(killed[0], signal.SIGKILL)
        return hear(pipe, spent)  # type: ignore[arg-type]

    monkeypatch.setattr(workers, "_hear", kill_at_first_word)
    result = run("rebuild", "statement", "--workers", "2")
    assert (len(killed), result.exit_code) == (1, 0), result.output
    assert "digests match" in result.output


@pytest.mark.usefixtures("split")
def test_an_event_that_one_process_cannot_apply_stops_all_of_them(run: Run, stores: Database, history: History) -> None:
    container = history._container
    first = next(stores.history.stream("account-acc1", limit=1))
    bad = {"type": "account.funds-credited", "state": '{"amount": "much"}', "enc": "json", "schema": 1}
    head = max(event.version for event in stores.history.stream(first.stream)) + 1
    document = next(stores.history.documents(first.stream, upto=1))
    document |= bad | {"id": f"{head:010d}", "version": head, "commandId": "bad"}
    container.create_item({name: value for name, value in document.items() if not name.startswith("_")})
    result = run("rebuild", "statement", "--workers", "2")
    assert result.exit_code == 3
    assert f"statement cannot apply account-acc1 version {head} (account.funds-credited)" in result.stderr
    assert stores.registry.of("statement").serving == 1


def test_more_processes_than_ranges_are_not_started(stores: Database, served: Worker, settings: WorkerSettings) -> None:
    ranges = workers.ranges_of(stores, "statement@1")
    whole = workers.Share(connect, VIEWS["statement"], 1, ranges, settings, park=False, max_ru=300.0)
    assert [(part.ranges, part.max_ru) for part in workers.shares(whole, 3)] == [(ranges, 300.0)]
    three = [(len(part.ranges), part.max_ru) for part in workers.shares(replace(whole, ranges=ranges * 5), 3)]
    assert three == [(2, 100.0), (2, 100.0), (1, 100.0)]


@pytest.mark.parametrize(("processes", "limit"), [("1", 100), ("2", 200)])
def test_no_second_of_a_rebuild_costs_more_than_the_limit(
    run: Run, cosmos: LocalCosmos, split: None, processes: str, limit: int
) -> None:
    cosmos.log.clear()
    result = run("rebuild", "account-summary", "--max-ru", str(limit), "--workers", processes)
    assert result.exit_code == 0, result.output
    assert cosmos.log.charge > 2 * limit
    assert cosmos.log.dearest() <= limit


def test_a_limit_under_which_nothing_can_be_sent_is_refused(run: Run) -> None:
    result = run("rebuild", "statement", "--max-ru", "10")
    assert (result.exit_code, "--max-ru" in result.stderr) == (2, True)
