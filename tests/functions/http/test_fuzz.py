"""The short form of tests.functions.http.fuzz."""

from collections import Counter

import pytest

from functions.commands.app import create_commands
from functions.queries.app import create_queries
from service import SERVICE
from tests.functions.http.fuzz import fuzz, running, walk


@pytest.mark.timeout(300)
def test_generated_requests_meet_no_5xx_and_every_answer_is_as_documented() -> None:
    with running() as (services, audit):
        for app in (create_commands(SERVICE, services), create_queries(SERVICE, services, audit)):
            check(fuzz(app, 10), least=80)
        check(walk(services, audit, 6), least=30)


def check(seen: Counter[int], *, least: int) -> None:
    assert seen.total() > least
    assert {status for status in seen if status < 300}
    assert {status for status in seen if status >= 400}
