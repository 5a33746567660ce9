"""Model of a domain: what the machinery needs to know of its aggregates, and no more."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from domain.aggregate import Aggregate


def _never(_: dict[str, Any]) -> bool:
    return False


def _nobody(_: Aggregate) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Model:
    """`aggregates` are those whose events the log holds: naming them here registers their types.

    `subject_of` names whose the personal texts on an aggregate are; None: nobody's, so none can be stored on it.

    `carries_texts` says of the fields of an event that its personal texts came from another event, where they were
    encrypted: a step of a process that carries the text of its request on.
    """

    aggregates: tuple[type[Aggregate], ...] = ()
    subject_of: Callable[[Aggregate], str | None] = _nobody
    carries_texts: Callable[[dict[str, Any]], bool] = _never
