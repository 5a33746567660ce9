"""The documentation suffices: what an auditor writes by it agrees with the command, on exports whole and altered."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.digests.archive import KeptDigest
from audit.errors import AuditError
from audit.export.verify import verify_export
from audit.export.write import export_log
from tests.audit import by_the_book
from tests.audit.bank import Bank

Line = dict[str, Any]


def first(lines: list[Line], kind: str) -> Line:
    return next(line[kind] for line in lines if kind in line)


def without(lines: list[Line], kind: str) -> None:
    lines.remove(next(line for line in lines if kind in line))


CHANGES: dict[str, Callable[[list[Line]], Any]] = {
    "nothing": lambda _: None,
    "an event's text": lambda lines: first(lines, "event").update(state="{}"),
    "a refusal's text": lambda lines: first(lines, "outcome").update(state="{}"),
    "a refusal left out": lambda lines: without(lines, "outcome"),
    "an event left out": lambda lines: without(lines, "event"),
    "a refusal left out, and of the head": lambda lines: (
        without(lines, "outcome"),
        first(lines, "head").update(outcomes=""),
    ),
    "a head's version": lambda lines: first(lines, "head").update(version=4),
    "the digest's count": lambda lines: first(lines, "export")["digest"].update(events=8),
    "the digest's root": lambda lines: first(lines, "export")["digest"].update(root="0" * 64),
}


@pytest.mark.parametrize("streams", [(), ("account-alice",), ("account-alice", "account-bob", "transfer-t1")])
@pytest.mark.parametrize("change", CHANGES)
def test_the_documented_algorithm_and_the_command_agree(
    bank: Bank, sealed: KeptDigest, key: Ed25519PrivateKey, tmp_path: Path, change: str, streams: tuple[str, ...]
) -> None:
    bank.deposit("alice", 7)
    bank.act("alice", lambda account: account.withdraw(9_000, at=bank.clock.now))  # after the digest: not in the export
    path = tmp_path / "x.jsonl"
    with path.open("w", encoding="utf-8") as out:
        export_log(bank.log, out, form="jsonl", database="d", made_at="now", streams=streams, digest=sealed)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    CHANGES[change](lines)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    try:
        by_the_book.verify(path, key.public_key().public_bytes_raw())
        held = True
    except by_the_book.Wrong:
        held = False
    try:
        said = verify_export(path, key=key.public_key()).sound
    except AuditError:
        said = False
    assert (held, said) == (change == "nothing", change == "nothing")


def test_the_id_of_a_digest_is_as_documented(sealed: KeptDigest) -> None:
    assert by_the_book.digest_id(json.loads(sealed.path.read_text())) == sealed.digest.id


def test_rows_of_csv_have_the_documented_hashes(bank: Bank, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        export_log(bank.log, out, form="csv", database="d", made_at="now")
    rows = list(by_the_book.csv_documents(path))
    assert len(rows) == 10
    assert [row["hash"] for row in rows] == [by_the_book.event_hash(row) for row in rows]
