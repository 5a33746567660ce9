"""Texts that are encrypted for somebody else than their owner: what a domain can say of its own.

Whose a text is, only the domain that recorded it knows. One whose texts were always encrypted for their owner says
nothing, and `NO_STRAYS` stands for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from azure.cosmos import ContainerProxy

from audit.log import Log
from eventstore.personal import SubjectKeys

__all__ = ["NO_STRAYS", "Stray", "Strays", "Subjects"]


@dataclass(frozen=True, slots=True)
class Stray:
    """A text of `owner` in a document of a stream, under key `key` of `subject`. `shared`: the subject is a person of
    its own, whose key holds texts of two people."""

    owner: str
    subject: str
    key: int
    stream: str
    document: str
    shared: bool


@dataclass(frozen=True, slots=True)
class Subjects:
    """What the texts of an owner may be under, beside the owner's own key: `alone` holds nobody else's texts, `shared`
    those of another person as well."""

    alone: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()


def _no_subjects(_events: ContainerProxy, _keys: SubjectKeys, _owner: str) -> Subjects:
    return Subjects()


def _no_texts(_log: Log) -> list[Stray]:
    return []


@dataclass(frozen=True, slots=True)
class Strays:
    """`subjects_of(events, keys, owner)` says what texts of an owner may be under; `of_log(log)` lists every text that
    is not encrypted for its owner, whether its key is destroyed or not."""

    subjects_of: Callable[[ContainerProxy, SubjectKeys, str], Subjects] = _no_subjects
    of_log: Callable[[Log], list[Stray]] = _no_texts


NO_STRAYS: Final = Strays()
