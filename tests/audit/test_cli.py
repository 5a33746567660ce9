"""`tidemark audit` as it is typed: output, exit codes, one line per failure."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from typer.testing import CliRunner

from cli.audit.commands import app
from localazure.cosmos import LocalCosmos, serve
from tests.audit.bank import Bank

Run = Callable[..., Result]


@pytest.fixture
def run(bank: Bank, cosmos: LocalCosmos, tmp_path: Path, key: Ed25519PrivateKey) -> Iterator[Run]:
    """Runs a command against the bank, over HTTP, in a folder with digest.pem and digest.pub."""
    (tmp_path / "digest.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "digest.pub").write_bytes(public)
    with serve(cosmos) as server, pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        environment = {"COSMOS_ENDPOINT": server.endpoint, "COSMOS_KEY": cosmos.key, "COSMOS_DATABASE": "tidemark"}

        def invoke(*arguments: str) -> Result:
            return CliRunner().invoke(app, list(arguments), env={**environment, "COLUMNS": "200"})

        yield invoke


AGAINST = ("--against", "digests", "--public-key", "digest.pub")


def test_show_prints_a_stream_with_its_running_balance_and_refusals(run: Run) -> None:
    shown = run("show", "account-alice")
    assert shown.exit_code == 0
    lines = [" ".join(line.split()) for line in shown.stdout.splitlines()]
    assert lines[4].startswith("ok 4 2026-03-01 12:04:00 Hold 1 captured for transfer t1: 3.00 EUR process:transfers")
    assert lines[4].endswith("-3.00 7.00 0.00 7.00")
    assert "INSUFFICIENT_FUNDS" in lines[-1]


def test_show_prints_the_state_at_a_version_or_a_time(run: Run) -> None:
    shown = " ".join(run("show", "account-alice", "--version", "2").stdout.split())
    assert "version 2 of 5" in shown
    assert " balance 10.00 EUR (1000) " in shown
    state = json.loads(run("show", "account-alice", "--at", "2026-03-01T12:30", "--json").stdout)
    assert (state["version"], state["facts"]["balance"]) == (5, 500)
    early = run("show", "account-alice", "--at", "2026-03-01T11:00:00Z")
    assert early.exit_code == 1
    assert "did not exist at 2026-03-01T11:00:00+00:00" in early.stderr
    assert run("show", "account-alice", "--at", "noon").exit_code == 2
    assert run("show", "account-alice", "--at", "2026-03-01", "--version", "1").exit_code == 2


def test_diff_prints_what_changed(run: Run) -> None:
    different = run("diff", "account-alice", "2", "5")
    assert "balance         10.00 EUR (1000) -> 5.00 EUR (500)" in different.stdout
    assert "no difference" in run("diff", "account-alice", "2", "2026-03-01T12:01:30Z").stdout


def test_trace_prints_a_story_as_a_tree(run: Run) -> None:
    lines = run("trace", "story-t1").stdout.splitlines()
    assert lines[0] == "story-t1  5 commands on 3 streams, all there are"
    assert [len(line) - len(line.lstrip()) for line in lines[1:]] == [0, 2, 4, 6, 8]
    assert len(run("trace", "story-t1", "--from", "account-bob").stdout.splitlines()) == 6
    assert run("trace", "nothing").exit_code == 1


def test_digest_then_verify_then_tampering_exits_1_and_names_the_event(run: Run, bank: Bank) -> None:
    assert run("digest", "--key", "digest.pem").exit_code == 0
    sound = run("verify", *AGAINST)
    assert (sound.exit_code, "whole, and as digest 1 has it (3 streams)" in sound.stdout) == (0, True)
    bank.remove("account-alice", 5)
    assert run("verify").exit_code == 0
    broken = run("verify", *AGAINST)
    assert broken.exit_code == 1
    assert "BROKEN  account-alice version 5: truncated: the digest has version 5" in broken.stdout
    assert "BROKEN: 1 streams" in broken.stdout
    facts = json.loads(run("verify", *AGAINST, "--json").stdout)
    assert (facts["sound"], facts["broken"][0]["stream"]) == (False, "account-alice")
    refused = run("digest", "--key", "digest.pem")
    assert (refused.exit_code, "nothing is sealed" in refused.stderr) == (1, True)


def test_an_export_is_verified_in_a_folder_with_nothing_but_the_public_key(run: Run, tmp_path: Path) -> None:
    run("digest", "--key", "digest.pem")
    assert run("export", "account-alice", *AGAINST, "-o", "alice.jsonl").exit_code == 0
    for gone in ("digest.pem", *Path("digests").iterdir()):
        Path(gone).unlink()
    sound = run("verify-export", "alice.jsonl", "--public-key", "digest.pub")
    assert (sound.exit_code, "as digest 1 has it" in sound.stdout) == (0, True)
    Path("alice.jsonl").write_text(Path("alice.jsonl").read_text().replace("rent", "Rent"))
    broken = run("verify-export", "alice.jsonl", "--public-key", "digest.pub")
    assert (broken.exit_code, "account-alice version 5: its content does not fit its hash" in broken.stdout) == (
        1,
        True,
    )


def test_an_export_without_a_digest_is_not_vouched_for_by_any_key(run: Run) -> None:
    csv = run("export", "--format", "csv")
    assert csv.stdout.startswith("streamId,id,version,type")
    run("export", "-o", "all.jsonl")
    assert run("verify-export", "all.jsonl").exit_code == 0
    assert run("verify-export", "all.jsonl", "--public-key", "digest.pub").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("show", "account-nobody"), 1, "there is no stream account-nobody"),
        (("diff", "account-alice", "1", "9"), 1, "has versions 1 to 5, not 9"),
        (("verify", "account-nobody"), 1, "there is no stream account-nobody"),
        (("verify", "--against", "."), 2, "--public-key"),
        (("verify", "--against", ".", "--public-key", "digest.pub"), 1, "holds no digest"),
        (("digest", "--key", "missing.pem"), 2, "missing.pem cannot be read"),
        (("verify-export", "digest.pub"), 1, "is not an export"),
    ],
)
def test_what_a_person_can_mend_is_one_line(run: Run, arguments: tuple[str, ...], code: int, message: str) -> None:
    failed = run(*arguments)
    assert failed.exit_code == code
    assert message in failed.output
    assert "Traceback" not in failed.output


def test_every_command_and_every_option_on_the_documentation_page_is_real_and_none_is_missing(run: Run) -> None:
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")
    lines = re.findall(r"tidemark audit ([a-z-]+)([^`\n]*)", page)
    assert {name for name, _ in lines} == {command.name for command in app.registered_commands}
    for name, rest in lines:
        options = set(re.findall(r"--[a-z-]+", rest))
        assert options <= set(re.findall(r"--[a-z-]+", run(name, "--help").stdout)), f"{name} {rest}"


def test_every_command_has_an_example_in_its_help(run: Run) -> None:
    for command in ("show", "diff", "trace", "verify", "digest", "export", "verify-export"):
        assert f"Example: tidemark audit {command}" in " ".join(run(command, "--help").stdout.split())
