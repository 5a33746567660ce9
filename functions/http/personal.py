"""Where personal text comes in and goes out: encrypted before a command sees it, readable in answers alone."""

from functools import cache
from typing import Any, Final, TypeVar, get_args

import orjson
from pydantic import BaseModel

from domain.ledger.account import Account, account_stream
from eventstore.commands.cache import StreamCache
from eventstore.commands.store import CommandStore
from eventstore.log.documents import JSON, Document
from eventstore.personal import PersonalData, Token

__all__ = ["PERSONAL", "PersonalTexts", "personal_names"]

PERSONAL: Final = "personal"
"""Marks the type of a body's field: free text, which may be about a person."""

_OWNERS: Final = 100_000

B = TypeVar("B", bound=BaseModel | None)


class PersonalTexts:
    """The texts of bodies and answers. Whose they are: the owner's of the account that a command is about."""

    def __init__(self, data: PersonalData, store: CommandStore) -> None:
        self.data = data
        self._store = store
        self._owners: StreamCache[str] = StreamCache(_OWNERS)
        self.text = data.text
        self.readable = data.readable

    def of_owner(self, owner: str, body: B, *, key: str, new: bool = False) -> B:
        """The body with its personal texts encrypted for `owner`; `new`: who is probably not known yet.

        `key` is the command's: sent again, it gives the same body again.

        Raises:
            MasterKeyUnusable, KeysUnavailable
        """
        texts = personal_texts(body)
        if body is None or not texts:
            return body
        sealed = {
            name: self.data.seal(owner, text, context=f"{key}\n{name}", expect_none=new) for name, text in texts.items()
        }
        return body.model_copy(update=sealed)

    def of_account(self, account_id: str, body: B, *, key: str) -> B:
        """The body with its personal texts encrypted for the owner of the account.

        Raises:
            MasterKeyUnusable, KeysUnavailable, StoreError
        """
        return self.of_owner(self._owner(account_id), body, key=key) if personal_texts(body) else body

    def of_event(self, document: Document) -> dict[str, str]:
        """What the encrypted texts of an event say, by field; "meta.reason" is why the command was sent."""
        tokens = {}
        if document["enc"] == JSON:
            tokens = {name: text for name, text in orjson.loads(document["state"]).items() if _is_token(text)}
        reason = orjson.loads(document["meta"]).get("reason")
        if _is_token(reason):
            tokens["meta.reason"] = reason
        return {name: str(self.text(token)) for name, token in tokens.items()}

    def _owner(self, account_id: str) -> str:
        """An account that is not there is taken for one that is its own owner, as it is by default."""
        owner = self._owners.peek(account_id)
        if owner is None:
            account: Account | None = self._store.glance(account_stream(account_id))
            if account is None:
                return account_id
            owner = account.owner
            self._owners.put(account_id, owner)
        return owner


def _is_token(text: object) -> bool:
    return isinstance(text, str) and Token.parse(text) is not None


def personal_texts(body: BaseModel | None) -> dict[str, str]:
    """The personal texts that a body has, by name."""
    if body is None:
        return {}
    texts = {name: getattr(body, name) for name in sorted(personal_names(type(body)))}
    return {name: text for name, text in texts.items() if text is not None}


@cache
def personal_names(model: type[BaseModel]) -> frozenset[str]:
    """The fields of a model whose type is marked PERSONAL."""
    return frozenset(
        name for name, field in model.model_fields.items() if PERSONAL in field.metadata or _marked(field.annotation)
    )


def _marked(annotation: Any) -> bool:
    return PERSONAL in getattr(annotation, "__metadata__", ()) or any(map(_marked, get_args(annotation)))
