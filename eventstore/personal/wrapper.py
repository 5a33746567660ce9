"""What a master key does: wrap the data keys of subjects, which are stored wrapped and never otherwise."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A wrapped data key in base64url, and the id of the key that wrapped it."""

    text: str
    by: str


class KeyWrapper(Protocol):
    """A master key, for any number of threads.

    Both methods raise MasterKeyUnusable when the key does not do it, KeysUnavailable when it cannot be reached.
    """

    def wrap(self, key: bytes) -> Wrapped: ...

    def unwrap(self, wrapped: Wrapped) -> bytes: ...
