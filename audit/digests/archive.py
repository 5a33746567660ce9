"""A folder of digests: digest-000001.json and its heads, digest-000001.heads.gz, and so on.

Copies of the folder belong where whoever can write to the database cannot: that is what makes digests worth anything.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.digests.digest import Digest
from audit.digests.heads import Head, SealedOutcome, read_heads, sealed_heads
from audit.errors import DigestUnreadable

_LOCK = ".lock"
_NAME = re.compile(r"digest-[0-9]{6,}\.json")


@dataclass(frozen=True, slots=True)
class KeptDigest:
    """A digest, and the file that it lies in."""

    digest: Digest
    path: Path

    @property
    def heads_path(self) -> Path:
        return self.path.with_suffix(".heads.gz")

    def lines(self) -> Iterator[Head | SealedOutcome]:
        """What it seals, each head followed by its outcomes, checked as it is read. Raises DigestUnreadable."""
        return sealed_heads(read_heads(self.heads_path), root=self.digest.root, where=self.heads_path)


class Archive:
    """The digests of one log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> list[KeptDigest]:
        """Every digest in the folder, the oldest first. Raises DigestUnreadable."""
        if not self.folder.is_dir():
            return []
        paths = sorted(path for path in self.folder.iterdir() if _NAME.fullmatch(path.name))
        return sorted((KeptDigest(Digest.read(path), path) for path in paths), key=lambda kept: kept.digest.number)

    def latest(self) -> KeptDigest | None:
        """The newest digest, None when there is none. Raises DigestUnreadable."""
        return next(reversed(self.all()), None)

    def checked(self, key: Ed25519PublicKey) -> list[KeptDigest]:
        """Every digest, once each is found signed and following the one before.

        Raises:
            SignatureWrong, DigestUnreadable: one is not.
        """
        kept = self.all()
        for each in kept:
            each.digest.check(key)
        for before, after in pairwise(kept):
            after.digest.check_follows(before.digest)
        return kept

    def path(self, number: int) -> Path:
        """Where digest `number` belongs."""
        return self.folder / f"digest-{number:06d}.json"

    def keep(self, digest: Digest, heads: Path) -> KeptDigest:
        """Move the heads to their place, then the digest: a digest is never there without its own heads.

        `heads` lies in a folder of the caller's own, where the draft of the digest is written too. Heads without a
        digest are what an interruption leaves; the next digest of that number takes their place.

        Raises:
            DigestUnreadable: that number is taken already.
        """
        kept = KeptDigest(digest, self.path(digest.number))
        draft = heads.with_name("digest.json")
        draft.write_bytes(orjson.dumps(digest.document(), option=orjson.OPT_INDENT_2) + b"\n")
        with self._alone():
            if kept.path.exists():
                raise DigestUnreadable(
                    f"{kept.path} is there already: another digest was made meanwhile, so make this one again"
                )
            for made, place in ((heads, kept.heads_path), (draft, kept.path)):
                _settle(made)
                os.replace(made, place)  # noqa: PTH105 - beside the other calls that a test ends it at
                _settle(self.folder)
        return kept

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Of those who keep a digest here at the same time, one; the lock goes with its process."""
        with (self.folder / _LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _settle(path: Path) -> None:
    """What a file, or a folder, holds outlives a power cut from here on."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def kept_at(path: Path, key: Ed25519PublicKey) -> KeptDigest:
    """The digest in a file, or the newest of a folder with the whole chain behind it, found signed by `key`.

    Raises:
        DigestUnreadable, SignatureWrong: there is none, or it cannot be trusted.
    """
    if path.is_dir():
        found = Archive(path).checked(key)
        if not found:
            raise DigestUnreadable(f"{path} holds no digest: make one with `tidemark audit digest`")
        return found[-1]
    kept = KeptDigest(Digest.read(path), path)
    kept.digest.check(key)
    return kept
