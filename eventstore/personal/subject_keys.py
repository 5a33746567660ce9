"""The data keys of subjects: one document each in the container `keys`, wrapped by the master key.

    { "id": "key", "subject": "alice", "number": 1, "wrapped": "…", "by": "<id of the master key>",
      "created_at": "…", "destroyed_at": null }

Erasing a subject takes `wrapped` out of the document, which stays and says so. A text that comes later gets a key with
the next number, so what was erased stays erased.
"""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from azure.core import MatchConditions
from azure.cosmos import DatabaseProxy
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from eventstore.cosmos.containers import KEYS
from eventstore.cosmos.queries import consistency
from eventstore.cosmos.replicas import is_behind, session_of
from eventstore.errors import KeysUnavailable
from eventstore.log.event_log import pause
from eventstore.personal.data_key import KEY_BYTES, DataKey
from eventstore.personal.wrapper import KeyWrapper, Wrapped

KEY_ID: Final = "key"
_NO_ETAG: Final = "no item has it"
_ATTEMPTS: Final = 5
_FIRST_PAUSE: Final = 0.02


@dataclass(frozen=True, slots=True)
class _Known:
    """What the container said at a time: the number of the newest key, and the key unless it is destroyed."""

    number: int
    key: DataKey | None
    until: float


class SubjectKeys:
    """Safe for any number of threads. At most `size` keys stay in memory, each for `seconds` at most.

    So `seconds` is how long a destroyed key may still be used, in every process but the one that destroyed it.
    """

    def __init__(
        self,
        database: DatabaseProxy,
        master: KeyWrapper,
        *,
        seconds: float = 60.0,
        size: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._container = database.get_container_client(KEYS.name)
        self._master = master
        self._seconds = seconds
        self._size = size
        self._clock = clock
        self._guard = threading.Lock()
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def current(self, subject: str, *, expect_none: bool = False) -> DataKey:
        """The key for new texts of a subject; made if there is none. `expect_none` saves the look whether there is one.

        Raises:
            MasterKeyUnusable, KeysUnavailable
        """
        known = self._remembered(subject)
        if known and known.key:
            return known.key
        for attempt in range(_ATTEMPTS):
            if attempt > 1:  # the replica that is read may lag behind the one that refused
                pause(_FIRST_PAUSE, attempt)
            document = None if expect_none and not attempt else self._read(subject)
            if document and document["wrapped"]:
                known = self._remember(subject, document)
            else:
                known = self._create(subject, document)
            if known and known.key:
                return known.key
        raise KeysUnavailable(f"others are faster to make a key for subject {subject}")

    def find(self, subject: str, number: int) -> tuple[DataKey | None, bool]:
        """Key `number` of a subject, and whether it is destroyed; `(None, False)`: the container knows no such key.

        Raises:
            MasterKeyUnusable
        """
        known = self._remembered(subject)
        if known is None or known.number < number:
            document = self._read(subject)
            if document is None or document["number"] < number:
                return None, False
            known = self._remember(subject, document)
        if known.number == number and known.key:
            return known.key, False
        return None, True

    def state(self, subject: str) -> tuple[int, bool] | None:
        """The number of a subject's newest key and whether it is still there, None if there never was one. Opens
        nothing, and asks the container for what it has by now, whichever replica answers."""
        document = self._latest(subject)
        return (int(document["number"]), bool(document["wrapped"])) if document else None

    def destroy(self, subject: str) -> int | None:
        """Destroy the subject's key, for ever. Its number, if it was destroyed before too; None: there never was one.

        Raises:
            KeysUnavailable: others change the document all the time.
        """
        for _ in range(_ATTEMPTS):
            document = self._latest(subject)
            if document is None:
                return None
            if document["wrapped"] is None:
                break
            gone = {**document, "wrapped": None, "by": None, "destroyed_at": _now()}
            if self._replace(document, gone):
                break
        else:
            raise KeysUnavailable(f"the key of subject {subject} is being changed by others")
        with self._guard:
            self._known.pop(subject, None)
        return int(document["number"])

    def _create(self, subject: str, before: dict[str, Any] | None) -> _Known | None:
        """The next key; None when somebody else was there first."""
        secret = secrets.token_bytes(KEY_BYTES)
        wrapped = self._master.wrap(secret)
        number = before["number"] + 1 if before else 1
        document = {
            "id": KEY_ID,
            "subject": subject,
            "number": number,
            "wrapped": wrapped.text,
            "by": wrapped.by,
            "created_at": _now(),
            "destroyed_at": None,
        }
        if before:
            if not self._replace(before, document):
                return None
        else:
            try:
                self._container.create_item(document)
            except CosmosResourceExistsError:
                return None
        return self._keep(subject, number, DataKey(subject, number, secret))

    def _read(self, subject: str, session: str | None = None) -> dict[str, Any] | None:
        """The document as a replica has it; `session` is the token of what it must have seen."""
        options: dict[str, Any] = {} if session is None else {"request_options": consistency(session)}
        try:
            return dict(self._container.read_item(KEY_ID, subject, **options))
        except CosmosResourceNotFoundError as error:
            if is_behind(error):
                raise
            return None

    def _latest(self, subject: str) -> dict[str, Any] | None:
        """The document as it is by now, whichever replica answers.

        A replacement that cannot land is refused by the primary replica alone; its session token has seen everything.
        """
        try:
            self._container.replace_item(
                KEY_ID, _probe(subject), etag=_NO_ETAG, match_condition=MatchConditions.IfNotModified
            )
        except CosmosAccessConditionFailedError as error:
            return self._read(subject, session_of(error))
        except CosmosResourceNotFoundError:
            return None
        raise AssertionError(f"the key of subject {subject} was replaced under a condition that never holds")

    def _replace(self, before: dict[str, Any], after: dict[str, Any]) -> bool:
        try:
            self._container.replace_item(
                KEY_ID, after, etag=before["_etag"], match_condition=MatchConditions.IfNotModified
            )
        except CosmosAccessConditionFailedError:
            return False
        return True

    def _remember(self, subject: str, document: dict[str, Any]) -> _Known:
        number, key = int(document["number"]), None
        if document["wrapped"]:
            secret = self._master.unwrap(Wrapped(document["wrapped"], document["by"]))
            key = DataKey(subject, number, secret)
        return self._keep(subject, number, key)

    def _keep(self, subject: str, number: int, key: DataKey | None) -> _Known:
        known = _Known(number, key, self._clock() + self._seconds)
        with self._guard:
            self._known[subject] = known
            self._known.move_to_end(subject)
            if len(self._known) > self._size:
                self._known.popitem(last=False)
        return known

    def _remembered(self, subject: str) -> _Known | None:
        with self._guard:
            known = self._known.get(subject)
            if known is None or known.until <= self._clock():
                return None
            self._known.move_to_end(subject)
            return known


def _probe(subject: str) -> dict[str, Any]:
    return {"id": KEY_ID, "subject": subject}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
