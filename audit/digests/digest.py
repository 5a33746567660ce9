"""A digest: one signed statement about the whole log at one moment, chained to the one before.

    { "format": "tidemark/digest/1", "number": 7, "made_at": "2026-11-23T12:00:00+00:00", "database": "tidemark",
      "streams": 100000, "events": 1204118, "outcomes": 8061, "root": "<hex>",
      "previous": "<id of digest 6, or empty>", "key": "<SHA-256 of the public key>", "signature": "<base64>" }

It has about 500 bytes whatever the log's size. `root` is over the heads of all streams (`audit.digests.heads`), which
lie in a file beside it and prove themselves by the root. What is signed, and the digest's own id, are

    message = "tidemark/digest/1\\n" + N(number) + N(made_at) + N(database) + N(streams) + N(events) + N(outcomes)
              + N(root) + N(previous) + N(key)
    id      = SHA-256( "tidemark/digest-id/1\\n" + N(hex of SHA-256(message)) + N(signature) )

with N as in the hash chain of events. docs/audit.md has test vectors.
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.digests.encoding import encode, hashed
from audit.digests.keys import key_id
from audit.errors import DigestUnreadable, SignatureWrong

FORMAT: Final = "tidemark/digest/1"
_ID: Final = "tidemark/digest-id/1"


@dataclass(frozen=True, slots=True)
class Digest:
    """See the module. `made_at` is ISO 8601; `previous` is empty for the first digest of a log."""

    number: int
    made_at: str
    database: str
    streams: int
    events: int
    outcomes: int
    root: str
    previous: str
    key: str
    signature: str = ""

    @classmethod
    def sign(
        cls,
        key: Ed25519PrivateKey,
        *,
        made_at: str,
        database: str,
        streams: int,
        events: int,
        outcomes: int,
        root: str,
        previous: "Digest | None",
    ) -> Self:
        """A new digest that follows `previous`."""
        number = 1 if previous is None else previous.number + 1
        before = "" if previous is None else previous.id
        unsigned = cls(number, made_at, database, streams, events, outcomes, root, before, key_id(key.public_key()))
        signature = b64encode(key.sign(unsigned.message)).decode()
        return cls(number, made_at, database, streams, events, outcomes, root, before, unsigned.key, signature)

    @property
    def message(self) -> bytes:
        """The bytes that are signed."""
        return encode(
            FORMAT,
            self.number,
            self.made_at,
            self.database,
            self.streams,
            self.events,
            self.outcomes,
            self.root,
            self.previous,
            self.key,
        )

    @property
    def id(self) -> str:
        """What the next digest names as `previous`."""
        return hashed(_ID, sha256(self.message).hexdigest(), self.signature)

    def check(self, key: Ed25519PublicKey) -> None:
        """
        Raises:
            SignatureWrong: `key` has not signed exactly this.
        """
        if self.key != key_id(key):
            raise SignatureWrong(f"digest {self.number} is signed by key {self.key}, the trusted key is {key_id(key)}")
        try:
            key.verify(b64decode(self.signature, validate=True), self.message)
        except (InvalidSignature, Base64Error):
            raise SignatureWrong(f"digest {self.number}: the signature does not fit, it was altered") from None

    def check_follows(self, previous: "Digest") -> None:
        """
        Raises:
            DigestUnreadable: it does not follow `previous`.
        """
        if (self.number, self.previous) != (previous.number + 1, previous.id):
            raise DigestUnreadable(f"digest {self.number} does not follow digest {previous.number}, kept before it")

    def document(self) -> dict[str, Any]:
        """The digest as JSON holds it."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_document(cls, document: Any, where: object) -> Self:
        """
        Raises:
            DigestUnreadable: not a digest.
        """
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise DigestUnreadable(f"{where} is not a digest of format {FORMAT}")
        names = {field.name: int if field.type is int else str for field in fields(cls)}
        wrong = [name for name, kind in names.items() if type(document.get(name)) is not kind]
        if wrong or document.keys() - names.keys() - {"format"}:
            raise DigestUnreadable(f"{where} is not a digest: see {', '.join(wrong) or 'its additional fields'}")
        return cls(**{name: document[name] for name in names})

    @classmethod
    def read(cls, path: Path) -> Self:
        """
        Raises:
            DigestUnreadable: no file there, or not a digest.
        """
        try:
            document = orjson.loads(path.read_bytes())
        except OSError as error:
            raise DigestUnreadable(f"{path} cannot be read: {error.strerror}") from None
        except orjson.JSONDecodeError as error:
            raise DigestUnreadable(f"{path} is not a digest: {error}") from None
        return cls.from_document(document, path)
