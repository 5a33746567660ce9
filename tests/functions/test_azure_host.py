"""What the Functions app makes with its first request: once, and again only after it failed."""

import asyncio
import threading
from typing import Any

import pytest

from functions.azure_host import MadeOnce


class Maker:
    """Fails so many times, then makes; each attempt ends when it is let go."""

    def __init__(self, failures: int) -> None:
        self.attempts = 0
        self.let_go = threading.Event()
        self._failures = failures

    def __call__(self) -> Any:
        self.attempts += 1
        self.let_go.wait(10)
        if self.attempts <= self._failures:
            raise ConnectionError("away")
        return "made"


async def crowd(once: MadeOnce, maker: Maker, size: int = 20) -> list[Any]:
    """What so many requests get that come while an attempt is under way."""
    asking = [asyncio.create_task(once.get()) for _ in range(size)]
    await asyncio.sleep(0)  # the loop is not held up by an attempt, or this would not come back
    maker.let_go.set()
    return await asyncio.gather(*asking, return_exceptions=True)


async def test_first_requests_that_come_together_make_the_app_once() -> None:
    maker = Maker(failures=0)
    once = MadeOnce(maker)
    assert await crowd(once, maker) == ["made"] * 20
    assert await once.get() == "made"
    assert maker.attempts == 1


async def test_an_attempt_that_failed_fails_for_all_who_waited_and_the_next_request_tries_again() -> None:
    maker = Maker(failures=1)
    once = MadeOnce(maker)
    assert {type(answer) for answer in await crowd(once, maker)} == {ConnectionError}
    assert maker.attempts == 1
    assert await once.get() == "made"


async def test_a_request_that_is_given_up_does_not_end_the_attempt_for_others() -> None:
    maker = Maker(failures=0)
    once = MadeOnce(maker)
    impatient, patient = asyncio.create_task(once.get()), asyncio.create_task(once.get())
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    maker.let_go.set()
    assert await patient == "made"
