"""A master key in the memory of this process, or in a file of this machine: 32 random bytes, in base64.

head -c 32 /dev/urandom | base64 > master.key
"""

import os
import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from eventstore.errors import MasterKeyUnusable
from eventstore.personal.wrapper import Wrapped

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_OWNER_ALONE: Final = 0o600


class MemoryKey:
    """A master key in this process's memory: 32 bytes, random ones if none are given."""

    def __init__(self, secret: bytes | None = None, *, name: str = "memory") -> None:
        self._cipher = AESGCM(secret or secrets.token_bytes(_KEY_BYTES))
        self._name = name

    def wrap(self, key: bytes) -> Wrapped:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return Wrapped(b64encode(nonce + self._cipher.encrypt(nonce, key, None)).decode(), self._name)

    def unwrap(self, wrapped: Wrapped) -> bytes:
        try:
            sealed = b64decode(wrapped.text, validate=True)
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        except (InvalidTag, Base64Error, ValueError):
            raise MasterKeyUnusable(
                f"{self._name} does not open a data key that {wrapped.by} wrapped: is it the master key of this data?"
            ) from None


class FileKey(MemoryKey):
    """A master key that a file holds."""

    @classmethod
    def read(cls, path: Path) -> Self:
        """
        Raises:
            MasterKeyUnusable: the file is not there, cannot be read, or holds no key.
        """
        try:
            secret = b64decode(path.read_text().strip(), validate=True)
        except OSError as error:
            raise MasterKeyUnusable(f"the master key {path} cannot be read: {error.strerror}") from None
        except (Base64Error, ValueError):
            secret = b""
        if len(secret) != _KEY_BYTES:
            raise MasterKeyUnusable(f"{path} holds no master key: it has to be {_KEY_BYTES} bytes in base64")
        return cls(secret, name="file")

    @classmethod
    def read_or_make(cls, path: Path) -> Self:
        """The key in the file, which is made if it is not there, for its owner's eyes alone.

        Raises:
            MasterKeyUnusable: as `read`, or the file cannot be made.
        """
        if not path.exists():
            try:
                _make(path)
            except OSError as error:
                raise MasterKeyUnusable(f"the master key {path} cannot be made: {error.strerror}") from None
        return cls.read(path)


def _make(path: Path) -> None:
    """The complete file under its name or none: what is half written would be lost with all that it wraps."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ALONE), "w") as file:
        file.write(b64encode(secrets.token_bytes(_KEY_BYTES)).decode() + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
