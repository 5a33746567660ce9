"""Digests: signed, chained, small, and with a root that anybody can recompute."""

import gzip
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from audit.digests.archive import Archive, KeptDigest, kept_at
from audit.digests.digest import Digest
from audit.digests.heads import Head, OutcomesHash
from audit.digests.keys import key_id, public_key, signing_key
from audit.digests.merkle import Tree, leaf_hash, root_by_proof, root_of
from audit.errors import DigestUnreadable, KeyUnusable, LogBroken, SignatureWrong
from audit.sealing import seal
from audit.verification.verify import verify_log
from tests.audit.bank import Bank

LATER = "2026-03-02T13:00:00+00:00"


def sealed_again(bank: Bank, archive: Archive, key: Ed25519PrivateKey) -> KeptDigest:
    return seal(bank.log, archive, key, database="tidemark", made_at=LATER)


def test_a_digest_is_small_and_its_heads_lie_beside_it(sealed: KeptDigest) -> None:
    assert sealed.path.stat().st_size < 700
    lines = gzip.decompress(sealed.heads_path.read_bytes()).decode().splitlines()
    fields = [line.split("\t") for line in lines]
    assert [(name, number[:1] if not name else number) for name, number, *_ in fields] == [
        ("account-alice", "5"),
        ("", "-"),  # what alice was refused
        ("account-bob", "2"),
        ("transfer-t1", "2"),
    ]


def test_digests_form_a_chain(bank: Bank, archive: Archive, key: Ed25519PrivateKey, sealed: KeptDigest) -> None:
    bank.deposit("bob", 5)
    second = sealed_again(bank, archive, key)
    assert (second.digest.number, second.digest.previous) == (2, sealed.digest.id)
    assert kept_at(archive.folder, key.public_key()).digest == second.digest


def test_a_digest_that_is_missing_from_the_chain_is_noticed(
    bank: Bank, archive: Archive, key: Ed25519PrivateKey, sealed: KeptDigest
) -> None:
    middle = sealed_again(bank, archive, key)
    sealed_again(bank, archive, key)
    middle.path.unlink()
    with pytest.raises(DigestUnreadable, match="digest 3 does not follow digest 1"):
        kept_at(archive.folder, key.public_key())


def test_any_change_to_a_digest_breaks_its_signature(sealed: KeptDigest, key: Ed25519PrivateKey) -> None:
    document = orjson.loads(sealed.path.read_bytes())
    for name, value in document.items():
        other = value + 1 if isinstance(value, int) else value[:-3] + "AAA"
        sealed.path.write_bytes(orjson.dumps(document | {name: other}))
        with pytest.raises((SignatureWrong, DigestUnreadable)):
            kept_at(sealed.path, key.public_key())


def test_a_digest_of_another_key_is_not_trusted(sealed: KeptDigest) -> None:
    with pytest.raises(SignatureWrong, match="the trusted key is"):
        kept_at(sealed.path, Ed25519PrivateKey.generate().public_key())


def test_heads_that_are_not_those_of_the_digest_are_noticed(bank: Bank, sealed: KeptDigest) -> None:
    lines = gzip.decompress(sealed.heads_path.read_bytes()).splitlines(keepends=True)
    sealed.heads_path.write_bytes(gzip.compress(b"".join(lines[:-1])))
    with pytest.raises(DigestUnreadable, match="not the heads that the digest seals"):
        verify_log(bank.log, against=sealed)
    sealed.heads_path.unlink()
    with pytest.raises(DigestUnreadable, match="cannot be read"):
        verify_log(bank.log, against=sealed)


def test_outcomes_that_are_not_those_of_the_digest_are_noticed(bank: Bank, sealed: KeptDigest) -> None:
    lines = gzip.decompress(sealed.heads_path.read_bytes()).splitlines(keepends=True)
    assert lines[1].startswith(b"\t-")
    for other in (
        lines[:1] + lines[2:],
        [*lines[:2], lines[1], *lines[2:]],
        [lines[0], lines[1][:-3] + b"00\n", *lines[2:]],
    ):
        sealed.heads_path.write_bytes(gzip.compress(b"".join(other)))
        with pytest.raises(DigestUnreadable, match="account-alice"):
            verify_log(bank.log, against=sealed)


def test_a_log_that_does_not_verify_is_not_sealed(
    bank: Bank, archive: Archive, key: Ed25519PrivateKey, sealed: KeptDigest
) -> None:
    bank.remove("account-alice", 5)
    with pytest.raises(LogBroken, match="account-alice version 5: truncated"):
        sealed_again(bank, archive, key)
    assert sorted(path.name for path in archive.folder.glob("digest-*")) == [
        "digest-000001.heads.gz",
        "digest-000001.json",
    ]


def test_a_folder_holds_the_digests_of_one_database(
    bank: Bank, archive: Archive, key: Ed25519PrivateKey, sealed: KeptDigest
) -> None:
    with pytest.raises(DigestUnreadable, match="digests of database tidemark, not other"):
        seal(bank.log, archive, key, database="other", made_at=LATER)


def test_the_tree_is_that_of_rfc_6962() -> None:
    # Leaves and roots of the reference implementation's own tests of Certificate Transparency logs.
    leaves = [b"", b"\x00", b"\x10", b" !", b"01", b"@ABC", b"PQRSTUVW", b"`abcdefghijklmno"]
    roots = {
        0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }
    for size, root in roots.items():
        assert root_of(map(leaf_hash, leaves[:size])) == root


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 64, 100])
def test_every_leaf_proves_its_place_and_no_other(size: int) -> None:
    leaves = [leaf_hash(bytes([number])) for number in range(size)]
    tree, root = Tree(leaves), root_of(leaves)
    for index, leaf in enumerate(leaves):
        proof = tree.proof(index)
        assert root_by_proof(leaf, index, size, proof) == root
        assert root_by_proof(leaf_hash(b"other"), index, size, proof) != root
        assert root_by_proof(leaf, index, size, [*proof, "00" * 32]) is None
        if size > 1:
            assert root_by_proof(leaf, (index + 1) % size, size, proof) != root


def test_the_test_vectors_of_the_documentation_hold(key: Ed25519PrivateKey) -> None:
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")
    public = key.public_key()
    head = Head("account-alice", 2, "3db365eadafceb7e3bbc9da7b4dee1a9a9543793989f3e00b8e1e90018c51dd0")
    outcomes = OutcomesHash()
    for each in ("11" * 32, "22" * 32):
        outcomes.add(each)
    digest = Digest.sign(
        key,
        made_at="2026-11-23T12:00:00+00:00",
        database="tidemark",
        streams=1,
        events=2,
        outcomes=0,
        root=root_of([head.leaf]),
        previous=None,
    )
    vectors = [
        public.public_bytes(Encoding.Raw, PublicFormat.Raw).hex(),
        key_id(public),
        head.leaf.hex(),
        root_of([head.leaf, Head("account-bob", 1, "00" * 32, outcomes.value()).leaf]),
        outcomes.value(),
        digest.message.decode().replace("\n", "\\n"),
        digest.signature,
        digest.id,
    ]
    assert [vector for vector in vectors if vector not in page] == []


def test_keys_come_from_pem_files(tmp_path: Path, key: Ed25519PrivateKey) -> None:
    private, public, other = tmp_path / "digest.pem", tmp_path / "digest.pub", tmp_path / "other.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    other.write_text("no key")
    names = {
        key_id(public_key(str(public))),
        key_id(public_key(str(private))),
        key_id(signing_key(str(private)).public_key()),
    }
    assert names == {key_id(key.public_key())}
    for wrong in (other, tmp_path / "missing.pem"):
        with pytest.raises(KeyUnusable, match=wrong.name):
            signing_key(str(wrong))
        with pytest.raises(KeyUnusable, match=wrong.name):
            public_key(str(wrong))
