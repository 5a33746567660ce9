"""The folder of digests: interrupted anywhere or used by two at once, a digest has its own heads or is not there."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.digests import archive as archives
from audit.digests.archive import Archive, KeptDigest
from audit.errors import DigestUnreadable
from tests.audit.bank import Bank
from tests.audit.test_digest import sealed_again


class PowerCut(BaseException):
    """Nothing of this process is done from here on."""


def whole(archive: Archive, key: Ed25519PrivateKey) -> int:
    """How many digests there are, each found to follow the one before and to have its own heads."""
    kept = archive.checked(key.public_key())
    for each in kept:
        assert list(each.lines())
    return len(kept)


class Interrupted:
    """The `os` of the archive, which ends before its call of a number, from 0."""

    def __init__(self, last: int) -> None:
        self.calls: list[str] = []
        self._last = last

    def __getattr__(self, name: str) -> Any:
        found = getattr(os, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **options: Any) -> Any:
            self.calls.append(name)
            if len(self.calls) > self._last:
                raise PowerCut
            return found(*arguments, **options)

        return call


def test_a_digest_that_is_interrupted_anywhere_is_there_with_its_heads_or_not_and_another_can_follow(
    bank: Bank, archive: Archive, key: Ed25519PrivateKey, sealed: KeptDigest, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = 0
    while True:
        bank.deposit("bob", 5)  # so that no two digests have the same heads
        before = whole(archive, key)
        interrupted = Interrupted(number)
        with monkeypatch.context() as patched:
            patched.setattr(archives, "os", interrupted)
            try:
                sealed_again(bank, archive, key)
            except PowerCut:
                pass
            else:
                break
        assert whole(archive, key) in (before, before + 1), interrupted.calls
        bank.deposit("bob", 5)
        sealed_again(bank, archive, key)
        number += 1
    assert interrupted.calls.count("fsync") == 4
    assert interrupted.calls.count("replace") == 2


def test_everything_is_on_the_disk_before_what_needs_it(
    bank: Bank, archive: Archive, key: Ed25519PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut may undo what was not settled: heads, then their name, then the digest, then its name."""
    done: list[str] = []
    opened: dict[int, str] = {}

    def note(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            result = work(*arguments)
            path = opened[arguments[0]] if name == "fsync" else Path(arguments[0]).name
            if name == "open":
                opened[result] = path
            else:
                done.append(f"{name} {path}")
            return result

        return call

    noted = {name: note(name, getattr(os, name)) for name in ("open", "fsync", "replace")}
    monkeypatch.setattr(archives, "os", SimpleNamespace(O_RDONLY=os.O_RDONLY, close=os.close, **noted))
    sealed_again(bank, archive, key)
    folder = f"fsync {archive.folder.name}"
    assert done == ["fsync heads.gz", "replace heads.gz", folder, "fsync digest.json", "replace digest.json", folder]


def test_of_two_digests_at_once_one_is_kept_with_its_own_heads(
    bank: Bank, archive: Archive, key: Ed25519PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second comes when the heads of the first are in their place and its digest is not."""
    waits = threading.Event()
    refused: list[Exception] = []
    replace, flock = os.replace, archives.fcntl.flock

    def second() -> None:
        try:
            sealed_again(bank, archive, key)
        except DigestUnreadable as error:
            refused.append(error)
        finally:
            waits.set()

    other = threading.Thread(target=second)

    def replace_and_race(made: Path, place: Path) -> None:
        replace(made, place)
        if place.name.endswith(".heads.gz") and not other.ident:
            bank.deposit("bob", 5)
            other.start()
            waits.wait()

    def tell(*arguments: Any) -> None:
        if threading.current_thread() is other:
            waits.set()
        flock(*arguments)

    monkeypatch.setattr(archives.os, "replace", replace_and_race)
    monkeypatch.setattr(archives.fcntl, "flock", tell)
    sealed_again(bank, archive, key)
    other.join()
    assert whole(archive, key) == 1
    assert "is there already" in str(refused[0])
    monkeypatch.undo()
    sealed_again(bank, archive, key)
    assert whole(archive, key) == 2
