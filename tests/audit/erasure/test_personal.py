"""Personal texts: tokens, keys of subjects, master keys."""

import stat
from base64 import b64encode
from pathlib import Path

import pytest
from azure.cosmos import CosmosClient, DatabaseProxy

from eventstore.errors import MasterKeyUnusable
from eventstore.personal import (
    ERASED,
    UNREADABLE,
    FileKey,
    MemoryKey,
    PersonalData,
    PersonalSettings,
    SubjectKeys,
    Token,
)
from localazure.cosmos import LocalCosmos

TEXT = "Alice Liddell"


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def tables(client: CosmosClient, database: str) -> DatabaseProxy:
    return client.get_database_client(database)


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def master() -> MemoryKey:
    return MemoryKey()


@pytest.fixture
def personal(tables: DatabaseProxy, master: MemoryKey, clock: Seconds) -> PersonalData:
    return PersonalData(SubjectKeys(tables, master, clock=clock))


@pytest.fixture
def other(tables: DatabaseProxy, master: MemoryKey, clock: Seconds) -> PersonalData:
    """Another process with the same master key."""
    return PersonalData(SubjectKeys(tables, master, clock=clock))


@pytest.mark.parametrize(
    "text", ["", "A", "x" * 31, "x" * 32, "ein Straßenname, 東京", "ends with \0", "\x80", "a" * 1000]
)
def test_a_text_comes_back_as_it_was(personal: PersonalData, other: PersonalData, text: str) -> None:
    token = personal.seal("alice", text, context="key")
    assert other.text(token) == text


def test_a_token_shows_neither_the_text_nor_its_length(personal: PersonalData) -> None:
    token, longer = (personal.seal("alice", text, context="key") for text in ("Al", TEXT))
    assert TEXT not in longer
    assert len(token) == len(longer)


def test_the_same_command_has_the_same_token_and_another_one_has_not(personal: PersonalData) -> None:
    first, repeated, another = (personal.seal("alice", TEXT, context=key) for key in ("key-1", "key-1", "key-2"))
    assert first == repeated != another
    assert first != personal.seal("bob", TEXT, context="key-1")


def test_a_text_that_looks_like_a_token_stays_the_text_that_it_is(personal: PersonalData) -> None:
    stolen = personal.seal("alice", TEXT, context="key")
    assert personal.text(personal.seal("mallory", stolen, context="key")) == stolen


def test_a_text_that_was_stored_before_stays_readable(personal: PersonalData) -> None:
    assert personal.text("personal: note") == "personal: note"
    assert personal.text(None) is None


def test_an_altered_token_is_unreadable_and_not_called_erased(personal: PersonalData) -> None:
    token = Token.parse(personal.seal("alice", TEXT, context="key"))
    assert token is not None
    altered = Token("alice", 1, token.sealed[:-1] + bytes([token.sealed[-1] ^ 1]))
    personal.seal("bob", TEXT, context="key")
    for wrong in (
        altered,
        Token("bob", 1, token.sealed),
        Token("alice", 2, token.sealed),
        Token("carol", 1, token.sealed),
    ):
        assert personal.text(str(wrong)) == UNREADABLE


def test_a_destroyed_key_leaves_a_tombstone_and_other_people_alone(personal: PersonalData) -> None:
    alice, bob = (personal.seal(subject, TEXT, context="key") for subject in ("alice", "bob"))
    assert personal.keys.destroy("alice") == 1
    assert (personal.text(alice), personal.text(bob)) == (ERASED, TEXT)
    assert personal.keys.destroy("alice") == 1
    assert personal.keys.destroy("nobody") is None


def test_a_text_that_comes_later_has_a_key_of_its_own(personal: PersonalData, other: PersonalData) -> None:
    before = personal.seal("alice", TEXT, context="key")
    personal.keys.destroy("alice")
    after = personal.seal("alice", "somebody else", context="key")
    for reader in (personal, other):
        assert (reader.text(before), reader.text(after)) == (ERASED, "somebody else")


def test_every_process_notices_within_a_minute(personal: PersonalData, other: PersonalData, clock: Seconds) -> None:
    token = personal.seal("alice", TEXT, context="key")
    assert other.text(token) == TEXT
    personal.keys.destroy("alice")
    clock.now = 59.9
    assert other.text(token) == TEXT
    clock.now = 60.0
    assert other.text(token) == ERASED


def test_two_processes_agree_on_a_key(personal: PersonalData, other: PersonalData) -> None:
    first = personal.seal("alice", TEXT, context="key", expect_none=True)
    assert other.seal("alice", TEXT, context="key", expect_none=True) == first


def test_at_most_so_many_keys_are_kept_in_memory(tables: DatabaseProxy, cosmos: LocalCosmos, master: MemoryKey) -> None:
    personal = PersonalData(SubjectKeys(tables, master, size=2))
    tokens = [personal.seal(subject, TEXT, context="key") for subject in ("alice", "bob", "carol")]
    cosmos.log.clear()
    assert [personal.text(token) for token in reversed(tokens)] == [TEXT] * 3
    assert [entry.operation for entry in cosmos.log.filter(container="keys")] == ["read"]


def test_nothing_in_the_container_opens_a_text_without_the_master_key(
    tables: DatabaseProxy, personal: PersonalData
) -> None:
    token = personal.seal("alice", TEXT, context="key")
    with pytest.raises(MasterKeyUnusable, match="is it the master key of this data"):
        PersonalData(SubjectKeys(tables, MemoryKey())).text(token)


def test_a_master_key_is_made_for_its_owner_alone_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    wrapped = FileKey.read_or_make(path).wrap(b"k" * 32)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert FileKey.read_or_make(path).unwrap(wrapped) == b"k" * 32
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"not base64!", b64encode(b"too short"), b"\xff\xfe"])
def test_a_file_without_a_master_key_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "master.key").write_bytes(content)
    with pytest.raises(MasterKeyUnusable, match="32 bytes in base64"):
        PersonalSettings(master_key_id=str(tmp_path / "master.key")).master_key()


def test_a_master_key_that_is_not_there_is_not_made_up(tmp_path: Path) -> None:
    with pytest.raises(MasterKeyUnusable, match="cannot be read"):
        PersonalSettings(master_key_id=str(tmp_path / "master.key")).master_key()
    assert list(tmp_path.iterdir()) == []
    assert PersonalSettings().master_key() is None
