"""Exports that prove themselves with nothing but the file and a public key."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.digests.archive import KeptDigest
from audit.errors import ExportUnreadable, SignatureWrong, StreamUnknown
from audit.export.verify import verify_export
from audit.export.write import Format, export_log
from audit.verification.verify import Verdict
from tests.audit.bank import Bank

Line = dict[str, Any]


def export(bank: Bank, path: Path, *streams: str, digest: KeptDigest | None = None) -> Path:
    form: Format = "csv" if path.suffix == ".csv" else "jsonl"
    with path.open("w", encoding="utf-8", newline="") as out:
        export_log(bank.log, out, form=form, database="tidemark", made_at="now", streams=streams, digest=digest)
    return path


@pytest.fixture
def public(key: Ed25519PrivateKey) -> Ed25519PublicKey:
    return key.public_key()


def altered(path: Path, change: Callable[[list[Line]], list[Line]]) -> Path:
    lines = change([orjson.loads(line) for line in path.read_bytes().splitlines()])
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    return path


def problems(verdict: Verdict) -> list[tuple[str, int | None]]:
    return [(each.stream, each.version) for each in verdict.broken]


def test_a_whole_log_leads_to_the_signed_root(
    bank: Bank, sealed: KeptDigest, tmp_path: Path, public: Ed25519PublicKey
) -> None:
    bank.deposit("alice", 7)  # after the digest: not in the export
    verdict = verify_export(export(bank, tmp_path / "all.jsonl", digest=sealed), key=public)
    assert (verdict.sound, verdict.digest, verdict.streams, verdict.events, verdict.outcomes) == (True, 1, 3, 9, 1)


def test_one_stream_leads_to_the_signed_root_by_its_proof(
    bank: Bank, sealed: KeptDigest, tmp_path: Path, public: Ed25519PublicKey
) -> None:
    path = export(bank, tmp_path / "some.jsonl", "account-bob", "transfer-t1", digest=sealed)
    verdict = verify_export(path, key=public)
    assert (verdict.sound, verdict.digest, verdict.streams) == (True, 1, 2)


@pytest.mark.parametrize("streams", [(), ("account-alice", "account-bob")])
def test_an_event_that_was_changed_in_the_file_is_named(
    bank: Bank, sealed: KeptDigest, tmp_path: Path, public: Ed25519PublicKey, streams: tuple[str, ...]
) -> None:
    path = export(bank, tmp_path / "x.jsonl", *streams, digest=sealed)

    def change(lines: list[Line]) -> list[Line]:
        event = next(line["event"] for line in lines if line.get("event", {}).get("version") == 2)
        event["state"] = event["state"].replace("1000", "9000")
        return lines

    assert problems(verify_export(altered(path, change), key=public))[0] == ("account-alice", 2)


def test_a_stream_that_was_cut_short_in_the_file_is_named(
    bank: Bank, sealed: KeptDigest, tmp_path: Path, public: Ed25519PublicKey
) -> None:
    path = export(bank, tmp_path / "x.jsonl", "account-alice", digest=sealed)

    def change(lines: list[Line]) -> list[Line]:
        lines = [line for line in lines if line.get("event", {}).get("version") != 5]
        last = next(line["event"] for line in lines if line.get("event", {}).get("version") == 4)
        head = next(line["head"] for line in lines if "head" in line)
        head |= {"version": 4, "hash": last["hash"]}
        return lines

    assert problems(verify_export(altered(path, change), key=public)) == [("account-alice", 4)]


def test_a_stream_that_was_left_out_of_a_whole_log_is_noticed(
    bank: Bank, sealed: KeptDigest, tmp_path: Path, public: Ed25519PublicKey
) -> None:
    path = export(bank, tmp_path / "x.jsonl", digest=sealed)

    def change(lines: list[Line]) -> list[Line]:
        kept = [line for line in lines if "account-bob" not in str(line.get("event", line.get("head")))]
        kept[-1] = {"end": {**kept[-1]["end"], "streams": 2}}
        return kept

    (broken,) = verify_export(altered(path, change), key=public).broken
    assert "streams are missing" in broken.problem


def test_a_file_that_ends_early_is_not_an_export(
    bank: Bank, sealed: KeptDigest, tmp_path: Path, public: Ed25519PublicKey
) -> None:
    path = altered(export(bank, tmp_path / "x.jsonl", digest=sealed), lambda lines: lines[:-1])
    with pytest.raises(ExportUnreadable, match="ends early"):
        verify_export(path, key=public)


def test_another_key_does_not_vouch_for_an_export(bank: Bank, sealed: KeptDigest, tmp_path: Path) -> None:
    path = export(bank, tmp_path / "x.jsonl", digest=sealed)
    with pytest.raises(SignatureWrong):
        verify_export(path, key=Ed25519PrivateKey.generate().public_key())
    with pytest.raises(SignatureWrong, match="name the public key"):
        verify_export(path)


def test_without_a_digest_only_the_chains_are_known_to_hold(bank: Bank, tmp_path: Path) -> None:
    verdict = verify_export(export(bank, tmp_path / "x.jsonl"))
    assert (verdict.sound, verdict.digest) == (True, None)


def test_csv_keeps_every_byte_and_verifies_against_a_digest_beside_it(
    bank: Bank, archive: object, key: Ed25519PrivateKey, tmp_path: Path
) -> None:
    path = export(bank, tmp_path / "x.csv")
    assert verify_export(path).sound
    path.write_text(path.read_text(encoding="utf-8").replace('""amount"":1000', '""amount"":9000', 1), encoding="utf-8")
    assert problems(verify_export(path)) == [("account-alice", 2)]


def test_csv_cells_are_no_formulas_to_a_spreadsheet_and_still_verify(
    bank: Bank, sealed: KeptDigest, tmp_path: Path
) -> None:
    bank.execute("account-carol", lambda _: None, key="=HYPERLINK(1)")
    bank.act("bob", lambda account: account.deposit(1, at=bank.clock.now), correlation="'quoted")
    path = export(bank, tmp_path / "x.csv")
    cells = [cell for row in path.read_text(encoding="utf-8").splitlines()[1:] for cell in row.split(",")]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))] == []
    assert verify_export(path).sound


def test_csv_that_holds_more_than_the_digest_says_so(bank: Bank, sealed: KeptDigest, tmp_path: Path) -> None:
    bank.open("carol")
    verdict = verify_export(export(bank, tmp_path / "x.csv"), against=sealed)
    assert [each.problem for each in verdict.broken] == ["not in digest 1: nobody vouches for it"]


def test_a_stream_that_is_not_there_is_an_error(bank: Bank, sealed: KeptDigest) -> None:
    for digest in (None, sealed):
        with pytest.raises(StreamUnknown, match="account-nobody"):
            export_log(
                bank.log,
                io.StringIO(),
                form="jsonl",
                database="tidemark",
                made_at="now",
                streams=["account-nobody"],
                digest=digest,
            )


@pytest.mark.parametrize("content", ["", "{}\n", "not json\n", '{"export": {"format": "other"}}\n', "[]\n"])
def test_other_files_are_refused_with_a_reason(tmp_path: Path, content: str) -> None:
    for name in ("x.jsonl", "x.csv"):
        (tmp_path / name).write_text(content)
        with pytest.raises(ExportUnreadable, match=name):
            verify_export(tmp_path / name)
