"""Tools have time: three answers in a row that outlast the SDK, anywhere, and they end as if nothing had been."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from azure.cosmos import CosmosClient
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

import cli.audit.commands
import cli.replay.commands
import replay.retry
from cli import command_line
from eventstore.cosmos.client import connect, mended
from eventstore.cosmos.containers import create_containers
from eventstore.cosmos.settings import CosmosSettings
from localazure.cosmos import LocalCosmos, RequestInfo
from projectors.errors import Unanswered
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from replay.patient import PatientTransport
from tests.audit.bank import Bank
from tests.replay.rebuild.test_stopped_anywhere import STEP, Case


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay.retry, "_PAUSE", 0.0)


def silent_from(cosmos: LocalCosmos, number: int, status: int, answers: int = 3) -> None:
    """Some answers in a row from request `number` on, from 0, say that the store does not know."""
    cosmos.faults.clear()
    cosmos.faults.add(status=status, skip=number, count=answers)


def test_a_rebuild_goes_on_whichever_of_its_requests_is_not_answered_three_times() -> None:
    with LocalCosmos() as cosmos:
        case = _case(cosmos)
        requests = case.count(case.rebuild)
    assert requests > 40
    for number in range(0, requests, STEP):
        with LocalCosmos() as cosmos:
            case = _case(cosmos)
            silent_from(cosmos, number, 408)
            case.rebuild()
            cosmos.faults.clear()
            assert case.stores.registry.of("active-holds").serving == 2, f"request {number}"


def _case(cosmos: LocalCosmos) -> Case:
    client = mended(cosmos.client())
    create_containers(client, "tidemark", VIEWS.indexed)
    return Case(cosmos, client, "tidemark")


@pytest.mark.parametrize("number", range(0, 40, 4))
def test_one_410_is_no_news(number: int, caplog: pytest.LogCaptureFixture) -> None:
    with LocalCosmos() as cosmos:
        case = _case(cosmos)
        silent_from(cosmos, number, 410, answers=1)
        with caplog.at_level(logging.INFO, logger="projectors"):
            case.rebuild()
    ours = [record for record in caplog.records if record.name.partition(".")[0] in ("projectors", "replay")]
    assert not [record for record in ours if record.exc_info], "a traceback for what is no fault"


class Tools:
    """The command line in this process, on the local server without a socket."""

    def __init__(self, cosmos: LocalCosmos, client: CosmosClient) -> None:
        self.cosmos = cosmos
        self._settings = CosmosSettings(endpoint=cosmos.endpoint, key=cosmos.key)

    def connect(self, _: object = None) -> tuple[CosmosClient, str]:
        transport = PatientTransport(self.cosmos.transport(), sleep=lambda _: None)
        return connect(self._settings, transport=transport), "tidemark"

    def run(self, group: str, *arguments: str) -> None:
        app = {"audit": cli.audit.commands.app, "replay": cli.replay.commands.app}[group]
        result = CliRunner().invoke(app, list(arguments))
        assert result.exit_code == 0, result.output


@pytest.fixture
def tools(cosmos: LocalCosmos, client: CosmosClient, database: str, monkeypatch: pytest.MonkeyPatch) -> Tools:
    tools = Tools(cosmos, client)
    for module in ("cli.command_line", "cli.audit.options", "cli.replay.rebuild", "cli.audit.forget"):
        monkeypatch.setattr(f"{module}.connect", tools.connect)
    bank = Bank(client, database)
    bank.open("alice", 1_000)
    bank.open("bob")
    bank.transfer("t1", 300)
    bank.act("alice", lambda account: account.withdraw(5_000, at=bank.clock.now), actor="user:hasty")
    assert Worker(client, database, settings=WorkerSettings(parallel=0), views=VIEWS.values()).run_until_idle(30).idle
    return tools


COMMANDS: dict[str, Callable[[Path], list[str]]] = {
    "audit verify": lambda _: ["audit", "verify"],
    "audit digest": lambda folder: ["audit", "digest", "--key", str(folder / "key.pem"), "--out", str(folder / "d")],
    "audit export": lambda folder: ["audit", "export", "--output", str(folder / "export.jsonl")],
    "audit show": lambda _: ["audit", "show", "account-alice"],
    "audit trace": lambda _: ["audit", "trace", "story-t1"],
    "replay verify": lambda _: ["replay", "verify", "account-summary", "statement"],
    "replay status": lambda _: ["replay", "status"],
    "replay deadletters": lambda _: ["replay", "deadletters", "list"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_tool_that_reads_goes_on_whichever_of_its_requests_is_not_answered_three_times(
    command: str, tools: Tools, tmp_path: Path
) -> None:
    _write_key(tmp_path / "key.pem")
    requests: list[RequestInfo] = []
    remove = tools.cosmos.faults.on_request(lambda info, phase: requests.append(info) if phase == "before" else None)
    tools.run(*COMMANDS[command](tmp_path))
    remove()
    for number in range(0, len(requests), STEP):
        silent_from(tools.cosmos, number, 408)
        _clean(tmp_path)
        tools.run(*COMMANDS[command](tmp_path))


def _write_key(path: Path) -> None:
    path.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _clean(folder: Path) -> None:
    for path in folder.glob("export*"):
        path.unlink()


def test_a_write_is_sent_once_whatever_is_answered(cosmos: LocalCosmos, tools: Tools) -> None:
    client, database = tools.connect()
    events = client.get_database_client(database).get_container_client("leases")
    fault = cosmos.faults.add(status=449, operation="create")
    with pytest.raises(Exception, match="RetryWith"):
        events.create_item({"id": "a", "consumer": "b"}, retry_write=0)
    assert fault.fired == 1


def test_a_store_that_gives_no_answer_ends_a_tool_with_what_where_and_what_to_do(
    tools: Tools, capsys: pytest.CaptureFixture[str]
) -> None:
    tools.cosmos.faults.add(status=408)
    for arguments in (["verify"], ["show", "account-alice"]):
        result = CliRunner().invoke(cli.audit.commands.app, arguments)
        assert result.exit_code == 1
        assert "Cosmos DB gives no answer (" in result.output
        assert result.output.rstrip().endswith("nothing is lost, run the same command again later")


def test_an_unanswered_step_says_so_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), command_line.reported():
        raise Unanswered("leases: 408")
    assert capsys.readouterr().err.startswith("Cosmos DB gives no answer (leases: 408)")
