"""The key of one subject: what it encrypts and opens."""

import hmac
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from eventstore.personal.token import Token, key_name

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_BLOCK: Final = 32
"""Texts are padded to a multiple of it: once the key is gone, not even their length is left."""
_END: Final = b"\x80"


@dataclass(frozen=True, slots=True)
class DataKey:
    """Key `number` of `subject`: AES-256-GCM with nonces of its own derivation."""

    subject: str
    number: int
    secret: bytes = field(repr=False)

    def seal(self, text: str, *, context: str) -> str:
        """The token of `text`. The same text in the same context gives the same token.

        So a command that is sent again is the same command, byte for byte. The nonce is a keyed digest of everything
        that is encrypted, hence two texts never share one; without the key neither it nor the token tells anything.
        """
        name, plain = key_name(self.subject, self.number), text.encode()
        said = b"\0".join((name.encode(), context.encode(), plain))
        nonce = hmac.digest(self._derived(b"nonce"), said, sha256)[:_NONCE_BYTES]
        plain += _END + bytes(-(len(plain) + 1) % _BLOCK)
        return str(
            Token(
                self.subject,
                self.number,
                nonce + AESGCM(self._derived(b"text")).encrypt(nonce, plain, name.encode()),
            )
        )

    def open(self, token: Token) -> str | None:
        """The text again, None when the token was not made with this key."""
        nonce, encrypted = token.sealed[:_NONCE_BYTES], token.sealed[_NONCE_BYTES:]
        name = key_name(token.subject, token.number).encode()
        try:
            plain = AESGCM(self._derived(b"text")).decrypt(nonce, encrypted, name)
        except InvalidTag:
            return None
        return plain.rstrip(b"\0").removesuffix(_END).decode()

    def _derived(self, purpose: bytes) -> bytes:
        return hmac.digest(self.secret, b"tidemark " + purpose, sha256)
