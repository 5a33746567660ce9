"""Where personal text comes in and goes out: encrypted before a command sees it, readable in answers alone.

Whose a text is, the aggregate that the command finds says, and nothing else does: what is known of it before may be
that there is none, which is true no longer. So a body is encrypted for whoever is known, and gives itself only to a
command that finds that owner; for another one it is encrypted again, and the command runs again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Generic, TypeVar, get_args

import orjson
from pydantic import BaseModel

from domain.aggregate import Aggregate
from eventstore.commands.cache import StreamCache
from eventstore.commands.store import CommandStore
from eventstore.errors import KeysUnavailable, MasterKeyUnusable
from eventstore.log.documents import JSON, Document
from eventstore.personal import PersonalData, Token

__all__ = ["PERSONAL", "UNSEALED", "OtherOwner", "PersonalTexts", "Said", "personal_names"]

PERSONAL: Final = "personal"
"""Marks the type of a body's field: free text, which may be about a person."""

UNSEALED: Final = "-"
"""Stands for a text that could not be encrypted. It is no token, so no event can hold it."""

_OWNERS: Final = 100_000

B = TypeVar("B", bound=BaseModel | None)
R = TypeVar("R")


class OtherOwner(Exception):
    """The texts of a body are not encrypted for the owner of what its command found."""

    def __init__(self, owner: str) -> None:
        super().__init__(f"personal texts are to be encrypted for {owner}")
        self.owner = owner


@dataclass(frozen=True, slots=True)
class Said(Generic[B]):
    """A body whose personal texts are encrypted for `owner`; None: nobody is known yet whose they are.

    `body` is for fingerprints and reports. Events get what `of` gives. `failure` is why nothing could be encrypted.
    """

    body: B
    owner: str | None = None
    failure: Exception | None = None

    @property
    def nobodys(self) -> bool:
        """Whether there are texts and nobody is known whose they are."""
        return self.owner is None and bool(personal_texts(self.body))

    @property
    def reason(self) -> str | None:
        """The reason of the command, if it has one that is encrypted."""
        reason = getattr(self.body, "reason", None)
        return None if reason == UNSEALED else reason

    def of(self, owner: str | None) -> B:
        """The body for an event whose personal texts are those of `owner`.

        Raises:
            OtherOwner: encrypt it for that one and run the command again.
            MasterKeyUnusable, KeysUnavailable: nothing may be stored.
        """
        if personal_texts(self.body):
            if owner is None or owner != self.owner:
                raise OtherOwner(str(owner))
            if self.failure is not None:
                raise self.failure
        return self.body


class PersonalTexts:
    """The texts of bodies and answers. Whose they are: the owner's of the stream that a command is about.

    `key` is always the command's id: sent again, it gives the same body again. `subject_of` names the owner of the
    texts on an aggregate.
    """

    def __init__(self, data: PersonalData, store: CommandStore, subject_of: Callable[[Aggregate], str | None]) -> None:
        self.data = data
        self._store = store
        self._subject_of = subject_of
        self._owners: StreamCache[str] = StreamCache(_OWNERS)
        self.text = data.text
        self.readable = data.readable

    def of_owner(self, owner: str, body: B, *, key: str, new: bool = False) -> Said[B]:
        """The body with its personal texts encrypted for `owner`; `new`: this is
        probably the owner's first account, so a key is created without looking for one first.

        Where that fails, `Said.of` raises it, once the command finds that there is something to be stored.
        """
        texts = personal_texts(body)
        if body is None or not texts:
            return Said(body)
        try:
            sealed = {
                name: self.data.seal(owner, text, context=f"{key}\n{name}", expect_none=new)
                for name, text in texts.items()
            }
        except (MasterKeyUnusable, KeysUnavailable) as error:
            return Said(_unsealed(body, texts), owner, error)
        return Said(body.model_copy(update=sealed), owner)

    def of_stream(self, stream: str, body: B, *, key: str) -> Said[B]:
        """The body for the owner of a stream as this process knows it: the command finds out whether that is so.

        Raises:
            StoreError
        """
        return self._of_known(stream, body, key, self._store.glance)

    def of_other(self, stream: str, body: B, *, key: str) -> Said[B]:
        """As `of_stream`, for a command on another stream, which does not find the owner: nobody, if nothing is there.

        Raises:
            StoreError
        """
        return self._of_known(stream, body, key, self._store.look)

    def run(self, said: Said[B], command: Callable[[Said[B]], R], body: B, *, key: str) -> R:
        """Run a command with `said`, and once more with `body` encrypted for the owner that it found."""
        try:
            return command(said)
        except OtherOwner as other:
            return command(self.of_owner(other.owner, body, key=key))

    def of_event(self, document: Document) -> dict[str, str]:
        """What the encrypted texts of an event say, by field; "meta.reason" is why the command was sent."""
        tokens = {}
        if document["enc"] == JSON:
            tokens = {name: text for name, text in orjson.loads(document["state"]).items() if _is_token(text)}
        reason = orjson.loads(document["meta"]).get("reason")
        if _is_token(reason):
            tokens["meta.reason"] = reason
        return {name: str(self.text(token)) for name, token in tokens.items()}

    def _of_known(self, stream: str, body: B, key: str, find: Callable[[str], Any]) -> Said[B]:
        texts = personal_texts(body)
        if body is None or not texts:
            return Said(body)
        owner = self._owners.peek(stream)
        if owner is None:
            found: Aggregate | None = find(stream)
            owner = None if found is None else self._subject_of(found)
            if owner is None:
                return Said(_unsealed(body, texts))
            self._owners.put(stream, owner)
        return self.of_owner(owner, body, key=key)


def _unsealed(body: B, texts: dict[str, str]) -> B:
    return body if body is None else body.model_copy(update=dict.fromkeys(texts, UNSEALED))


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
