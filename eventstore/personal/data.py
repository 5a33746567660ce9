"""Personal texts on their way in and out: the two places where they are readable."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from eventstore.personal.subject_keys import SubjectKeys
from eventstore.personal.token import Token

ERASED: Final = "[erased]"
"""Stands where a text was whose key is destroyed."""

UNREADABLE: Final = "[unreadable]"
"""Stands where a token is altered, or its key is not to be found (yet): no erasure, something to look into."""

_logger = logging.getLogger(__name__)


class PersonalData:
    """Encrypts and opens personal texts. Safe for any number of threads."""

    def __init__(self, keys: SubjectKeys) -> None:
        self.keys = keys

    def seal(self, subject: str, text: str, *, context: str, expect_none: bool = False) -> str:
        """The token of a text of `subject`; the same for the same text and context, as long as the key is the same.

        Raises:
            MasterKeyUnusable, KeysUnavailable: nothing may be stored then.
        """
        return self.keys.current(subject, expect_none=expect_none).seal(text, context=context)

    def text(self, stored: str | None) -> str | None:
        """A stored text as people read it, `ERASED` if its key is destroyed. What is no token is as it was stored."""
        token = Token.parse(stored) if stored else None
        if token is None:
            return stored
        key, destroyed = self.keys.find(token.subject, token.number)
        if destroyed:
            return ERASED
        text = key.open(token) if key else None
        if text is None:
            _logger.warning("a personal text of subject %s, key %d, cannot be read", token.subject, token.number)
            return UNREADABLE
        return text

    def readable(self, data: Mapping[str, Any], *names: str) -> dict[str, Any]:
        """A copy of `data` in which the texts of these names are as people read them."""
        return {name: self.text(value) if name in names else value for name, value in data.items()}
