"""How long a replay goes on where something fails: hours of work must not end with one lost answer, nor hang."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from projectors.errors import Unanswered

PATIENCE = 60.0
"""Seconds for which a part of the log may fail again and again; then the replay ends, to be started again."""

_IN_A_ROW = 5
_PAUSE = 0.2

_log = logging.getLogger(__name__)
T = TypeVar("T")


def in_spite_of_silence(view: str, work: Callable[[], T]) -> T:
    """What the work comes to. It is done again when an answer is lost, so it must be safe to do again."""
    lost = 0
    while True:
        began = time.monotonic()
        try:
            return work()
        except Unanswered as error:
            lost = lost + 1 if time.monotonic() - began < PATIENCE else 1
            if lost >= _IN_A_ROW:
                raise
            _log.warning("%s: %s; once more", view, error)
            time.sleep(_PAUSE * 2**lost)
