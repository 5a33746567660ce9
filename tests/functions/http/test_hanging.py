"""A request whose thread hangs: its caller is answered, and /health/live says that the process must be restarted."""

import threading

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from functions.hosting import local
from functions.http.answered import Answered
from functions.http.dependencies import Dependencies
from functions.http.liveness import LONGEST, Liveness, Requests
from service import SERVICE
from tests.functions.conftest import Ledger
from tests.support.asgi import AsgiThread


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def requests(services: Dependencies, seconds: Seconds) -> Requests:
    services.requests.__init__(seconds)  # type: ignore[misc] - frozen services share this one
    return services.requests


def test_a_process_is_alive_until_a_request_has_run_for_a_minute(
    api: httpx.Client, requests: Requests, seconds: Seconds
) -> None:
    number = requests.begin("POST /accounts/alice/deposits")
    seconds.now = LONGEST
    assert api.get("/health/live").json() == {"status": "ok", "hanging": []}
    seconds.now += 1
    answer = api.get("/health/live")
    assert (answer.status_code, answer.json()) == (
        503,
        {"status": "hangs", "hanging": ["POST /accounts/alice/deposits"]},
    )
    requests.end(number)
    assert api.get("/health/live").status_code == 200


def test_a_command_that_hangs_is_seen_by_the_app_that_is_asked_for_its_health(
    services: Dependencies, requests: Requests, seconds: Seconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, release = threading.Event(), threading.Event()
    execute = type(services.store).execute

    def hang(*arguments: object, **options: object) -> object:
        inside.set()
        release.wait()
        return execute(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(type(services.store), "execute", hang)
    with httpx.Client(transport=AsgiThread(local.create_app(SERVICE, services)), base_url="http://localhost") as api:
        command = threading.Thread(target=Ledger(api).open, args=("alice",))
        command.start()
        assert inside.wait(20)
        seconds.now = LONGEST + 1
        assert api.get("/health/live").json()["hanging"] == ["POST /accounts"]
        release.set()
        command.join()
        assert api.get("/health/live").status_code == 200


async def _exchange(app: Answered) -> list[int]:
    statuses: list[int] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b""}

    async def send(message: dict[str, object]) -> None:  # type: ignore[type-arg]
        if message["type"] == "http.response.start":
            statuses.append(message["status"])  # type: ignore[arg-type]

    await app({"type": "http", "method": "POST", "path": "/accounts"}, receive, send)  # type: ignore[arg-type]
    return statuses


async def test_the_caller_of_a_request_that_hangs_is_answered_and_once() -> None:
    import asyncio

    requests, come_back = Requests(), asyncio.Event()

    async def hangs(scope: Scope, receive: Receive, send: Send) -> None:
        await come_back.wait()
        await send({"type": "http.response.start", "status": 201, "headers": []})

    assert await _exchange(Answered(hangs, requests, seconds=0.0)) == [503]
    assert requests._began, "the thread is still there"
    come_back.set()
    while requests._began:
        await asyncio.sleep(0)


async def test_what_a_request_raises_passes_through() -> None:
    requests = Requests()

    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError("a fault of ours")

    with pytest.raises(LookupError):
        await _exchange(Answered(fails, requests, seconds=60.0))
    assert not requests._began


@pytest.mark.parametrize("comes_to_an_end", [True, False])
def test_a_process_in_which_something_hangs_is_stopped_and_then_ended(comes_to_an_end: bool) -> None:
    stop, ended = threading.Event(), threading.Event()
    codes: list[int] = []

    def end(code: int) -> None:
        codes.append(code)
        ended.set()

    def hanging() -> list[str]:
        return ["statement@1 00-FF"]

    with Liveness(hanging, stop, every=0.0, grace=60.0 if comes_to_an_end else 0.0, end=end):
        assert stop.wait(20)
        if not comes_to_an_end:
            assert ended.wait(20)
    assert set(codes) == {1}


def test_a_process_in_which_nothing_hangs_ends_as_it_likes() -> None:
    stop = threading.Event()
    codes: list[int] = []
    with Liveness(list, stop, every=0.0, end=codes.append):
        pass
    assert not codes
    assert not stop.is_set()
