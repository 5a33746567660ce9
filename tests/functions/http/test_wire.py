"""What arrives on the wire as it should not: requests that never end, announce too much, or are no HTTP."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.hosting import local
from functions.http.dependencies import Dependencies
from service import SERVICE
from tests.audit.serving import served
from tests.functions.conftest import Ledger

BODY = b'{"amount": 5}'


@pytest.fixture
def port(services: Dependencies, ledger: Ledger) -> Iterator[int]:
    ledger.open("alice")
    with served(local.create_app(SERVICE, services)) as url:  # type: ignore[arg-type]
        yield int(url.rpartition(":")[2])


def deposit(*headers: bytes, body: bytes = BODY) -> bytes:
    lines = [b"POST /accounts/alice/deposits HTTP/1.1", b"Host: localhost", b"Idempotency-Key: wire", *headers]
    return b"\r\n".join([*lines, b"", body])


def exchange(port: int, request: bytes, *, hang_up: bool = False) -> bytes:
    """What the server answers until it closes, or until its first answer is complete."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        if hang_up:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
            head, ended, body = answer.partition(b"\r\n\r\n")
            if ended and len(body) >= int(head.lower().partition(b"content-length:")[2].split()[0]):
                break
        return answer


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([b"Content-Length: 50"], BODY),
        ([b"Transfer-Encoding: chunked"], b"d\r\n" + BODY + b"\r\n"),
        ([b"Content-Length: 50"], b""),
    ],
)
def test_a_request_that_ends_before_its_body_does_is_not_carried_out(
    port: int, services: Dependencies, headers: list[bytes], body: bytes
) -> None:
    assert exchange(port, deposit(*headers, body=body), hang_up=True) == b""
    assert exchange(port, deposit(b"Content-Length: 13")).startswith(b"HTTP/1.1 201")
    assert len(list(services.history.stream("account-alice"))) == 2


@pytest.mark.parametrize("expect", [[], [b"Expect: 100-continue"]])
def test_a_body_that_announces_too_much_is_refused_before_it_is_sent(port: int, expect: list[bytes]) -> None:
    answer = exchange(port, deposit(b"Content-Length: 99999999", *expect, body=b""))
    assert answer.startswith(b"HTTP/1.1 413")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "BODY_TOO_LARGE"


def test_one_key_sent_many_times_at_once_is_one_event_and_one_answer(port: int, services: Dependencies) -> None:
    def send(_: int) -> bytes:
        return exchange(port, deposit(b"Content-Length: 13"))

    with ThreadPoolExecutor(12) as clients:
        answers = list(clients.map(send, range(24)))
    assert {answer.split(b" ", 2)[1] for answer in answers} == {b"201"}
    assert len({answer.partition(b"\r\n\r\n")[2] for answer in answers}) == 1
    assert sum(b"idempotency-replayed: true" in answer.lower() for answer in answers) == 23
    assert len(list(services.history.stream("account-alice"))) == 2
