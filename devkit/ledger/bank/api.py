"""The Tidemark API as the importer sees it: commands that may be sent again, and statements page by page."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

__all__ = ["BankApi", "BankApiError", "Refused"]

_TRIES = 8
_FIRST_PAUSE_SECONDS = 0.1  # doubles: about 13 s in all, enough for a service that restarts
_TIMEOUT_SECONDS = 30.0
_PAGE = 500


class BankApiError(Exception):
    """The API cannot be reached or does not answer as it should; the message says where and what."""


class Refused(Exception):
    """A rule of the ledger refused a command; `code` is the problem's code."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class BankApi:
    """Thread-safe. A command whose answer is lost or 5xx is sent again with the same key: it takes effect once."""

    def __init__(self, url: str, *, connections: int, transport: httpx.BaseTransport | None = None) -> None:
        self._url = url.rstrip("/")
        self._answered = False
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._client = httpx.Client(
            base_url=self._url, limits=limits, timeout=_TIMEOUT_SECONDS, trust_env=False, transport=transport
        )

    def __enter__(self) -> "BankApi":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def command(self, path: str, key: str, body: Mapping[str, Any]) -> bool:
        """Send one command; true when it was new, false when the key had taken effect before.

        Raises:
            Refused: a rule said no (409, 422).
            BankApiError: no usable answer after several tries.
        """
        answer = self._send("POST", path, json=body, headers={"Idempotency-Key": key})
        if answer.status_code in (409, 422):
            problem = answer.json()
            raise Refused(problem["code"], problem["detail"])
        self._expect_success(answer)
        return "Idempotency-Replayed" not in answer.headers

    def statement(self, account: str) -> Iterator[dict[str, Any]]:
        """The account's statement entries, oldest first; none when the account is not in the view (yet)."""
        cursor: str | None = None
        while True:
            params = {"limit": str(_PAGE)} | ({"cursor": cursor} if cursor else {})
            answer = self._send("GET", f"/accounts/{account}/statement", params=params)
            if answer.status_code == 404:
                return
            self._expect_success(answer)
            page = answer.json()
            yield from page["data"]
            cursor = page["next"]
            if cursor is None:
                return

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        pause = _FIRST_PAUSE_SECONDS
        for attempt in range(_TRIES):
            try:
                answer = self._client.request(method, path, **options)
            except httpx.ConnectError as error:
                if not self._answered or attempt == _TRIES - 1:
                    raise BankApiError(f"no service answers at {self._url}: start it with `tidemark up`") from error
            except httpx.TransportError as error:
                if attempt == _TRIES - 1:
                    raise BankApiError(f"{method} {self._url}{path} got no answer: {error}") from error
            else:
                self._answered = True
                if answer.status_code < 500 or attempt == _TRIES - 1:
                    return answer
            time.sleep(pause)
            pause *= 2
        raise BankApiError(f"{method} {self._url}{path} got no answer")

    def _expect_success(self, answer: httpx.Response) -> None:
        if not answer.is_success:
            request = answer.request
            raise BankApiError(f"{request.method} {request.url}: {answer.status_code} {answer.text[:300]}")
