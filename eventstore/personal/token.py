"""What is stored in place of a personal text: which key opens it, and the encrypted text.

    personal:v1:alice:1:9dQk…

subject, number of the subject's key, and base64url of nonce and ciphertext. Subjects have no colon.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Final, Self

_PREFIX: Final = "personal:v1:"
_FORM: Final = re.compile(r"personal:v1:([A-Za-z0-9._-]{1,128}):([0-9]{1,9}):([A-Za-z0-9_-]{38,})")
_SUBJECT: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")


@dataclass(frozen=True, slots=True)
class Token:
    """`sealed` is 12 bytes of nonce, the ciphertext, and 16 bytes of its tag."""

    subject: str
    number: int
    sealed: bytes

    def __post_init__(self) -> None:
        if not _SUBJECT.fullmatch(self.subject):
            raise ValueError(f"a subject is 1 to 128 letters, digits, '.', '_', '-', not {self.subject!r}")

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The token that `text` is, None if it is none: what was stored before personal texts were encrypted."""
        if not text.startswith(_PREFIX) or (match := _FORM.fullmatch(text)) is None:
            return None
        subject, number, sealed = match.groups()
        return cls(subject, int(number), urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4)))

    def __str__(self) -> str:
        return f"{key_name(self.subject, self.number)}:{urlsafe_b64encode(self.sealed).rstrip(b'=').decode()}"


def key_name(subject: str, number: int) -> str:
    """The beginning of every token under a key. The encryption covers it, so that it cannot be exchanged."""
    return f"{_PREFIX}{subject}:{number}"
