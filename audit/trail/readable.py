"""Personal texts as an auditor reads them: opened where the key is at hand, "[erased]" where it is destroyed.

What is folded and remembered keeps the stored tokens; a text is opened only when it is shown, each time anew.
"""

from collections.abc import Mapping
from typing import Any

from domain.aggregate import personal_fields
from eventstore.log.mapper import Mapper
from eventstore.personal import PersonalData, ReadableFields


class Readable:
    """Without `personal`, for want of a master key, tokens are shown as they are stored."""

    def __init__(self, mapper: Mapper[str], personal: PersonalData | None = None) -> None:
        self.mapper = Mapper[str](fields=ReadableFields(personal_fields, personal)) if personal else mapper
        self._personal = personal

    def text(self, stored: str | None) -> str | None:
        return self._personal.text(stored) if self._personal else stored

    def facts(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self.text(value) if isinstance(value, str) else value for name, value in facts.items()}
