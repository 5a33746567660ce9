"""The issuer's public keys: fetched once, kept for a day, fetched again when a token names a key not seen yet."""

import logging
import threading
import time
from collections.abc import Callable

import jwt
import requests

__all__ = ["KeySet", "KeysUnavailable", "UnknownKey"]

_KEEP_SECONDS = 24 * 3600.0
_MIN_REFETCH_SECONDS = 30.0  # tokens with invented key ids must not become requests to the issuer
_RETRY_SECONDS = 5.0  # after a failed fetch
_TIMEOUT_SECONDS = 5.0

_log = logging.getLogger(__name__)


class UnknownKey(Exception):
    """The token is signed with a key that its issuer does not publish."""


class KeysUnavailable(Exception):
    """The issuer's keys cannot be fetched, and none that fits is known from before."""


class KeySet:
    """A thread-safe cache of one JWKS document. `clock` gives monotonic seconds."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fresh_until = self._next_fetch = float("-inf")
        self._failure: KeysUnavailable | None = None

    def cached(self, key_id: str) -> jwt.PyJWK | None:
        return self._keys.get(key_id) if self._clock() < self._fresh_until else None

    def find(self, key_id: str) -> jwt.PyJWK:
        """The key of that id, fetching the document when it may have changed.

        A key known from before serves on while the issuer cannot be reached: better than refusing everybody.

        Raises:
            UnknownKey: the issuer does not publish it.
            KeysUnavailable: the issuer does not answer, and the key is not known from before.
        """
        with self._lock:
            if self.cached(key_id) is None and self._clock() >= self._next_fetch:
                self._fetch()
            key = self._keys.get(key_id)
            if key is None:
                raise self._failure or UnknownKey("its signing key is not one of the issuer's")
            return key

    def _fetch(self) -> None:
        try:
            answer = requests.get(self._url, timeout=_TIMEOUT_SECONDS)
            answer.raise_for_status()
            keys = jwt.PyJWKSet.from_dict(answer.json())
        except (requests.RequestException, jwt.PyJWTError, ValueError) as error:
            _log.warning("the signing keys at %s cannot be fetched: %s", self._url, error)
            self._failure = KeysUnavailable(f"the token issuer's keys cannot be fetched from {self._url}")
            self._next_fetch = self._clock() + _RETRY_SECONDS
            return
        self._keys = {key.key_id: key for key in keys.keys if key.key_id is not None}
        self._failure = None
        self._fresh_until = self._clock() + _KEEP_SECONDS
        self._next_fetch = self._clock() + _MIN_REFETCH_SECONDS
