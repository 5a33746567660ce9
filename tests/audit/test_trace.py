"""A transfer over two accounts, and whatever else shares a correlation, as one story."""

from datetime import UTC, datetime

import pytest

from audit.errors import TraceUnknown
from audit.trail.trace import Step, Trace
from tests.audit.bank import Bank

STORY = "story-t1"


def told(steps: list[Step], depth: int = 0) -> list[str]:
    lines = []
    for step in steps:
        what = [entry.type for entry in step.entries] or [(step.refused and step.refused.code) or "nothing"]
        lines.append("  " * depth + f"{step.stream} {' '.join(what)}")
        lines += told(step.led_to, depth + 1)
    return lines


WHOLE = [
    "transfer-t1 transfer.requested",
    "  account-alice account.hold-placed",
    "    account-bob account.funds-credited",
    "      account-alice account.hold-captured",
    "        transfer-t1 transfer.completed",
]


@pytest.mark.parametrize("stream", ["transfer-t1", "account-alice", "account-bob"])
def test_a_transfer_is_one_story_from_wherever_one_starts(bank: Bank, stream: str) -> None:
    searched, followed = bank.traces.search(STORY), bank.traces.follow(STORY, stream)
    assert told(searched.roots) == told(followed.roots) == WHOLE
    assert (searched.complete, followed.complete) == (True, False)
    assert searched.streams == ["account-alice", "account-bob", "transfer-t1"]


def test_a_refused_step_is_part_of_the_story(bank: Bank) -> None:
    bank.transfer("t2", 50, target="nobody")
    for trace in (bank.traces.search("story-t2"), bank.traces.follow("story-t2", "transfer-t2")):
        assert told(trace.roots) == [
            "transfer-t2 transfer.requested",
            "  account-alice account.hold-placed",
            "    account-nobody ACCOUNT_NOT_FOUND",
            "      account-alice account.hold-released",
            "        transfer-t2 transfer.failed",
        ]


def test_a_correlation_over_unrelated_streams_needs_the_search(bank: Bank) -> None:
    bank.deposit("alice", 5, correlation="batch-9")
    bank.deposit("bob", 6, correlation="batch-9")
    assert told(bank.traces.search("batch-9").roots) == [
        "account-alice account.funds-credited",
        "account-bob account.funds-credited",
    ]
    assert bank.traces.follow("batch-9", "account-bob").streams == ["account-bob"]


def test_a_correlation_matches_as_a_whole_and_is_text_whatever_is_in_it(bank: Bank) -> None:
    odd = "a\"b\\c%_'é"
    bank.deposit("alice", 5, correlation=odd)
    bank.deposit("alice", 5, correlation=odd + "d")
    assert bank.traces.search(odd).steps == 1
    with pytest.raises(TraceUnknown, match="the whole log"):
        bank.traces.search("story-t")
    with pytest.raises(TraceUnknown, match="reach of account-bob"):
        bank.traces.follow(odd, "account-bob")


def test_a_damaged_event_does_not_hide_the_rest_of_a_story(bank: Bank) -> None:
    bank.alter("account-alice", 3, state="not json")
    bank.alter("transfer-t1", 1, state="{}")
    for trace in (bank.traces.search(STORY), bank.traces.follow(STORY, "account-alice")):
        problems = [entry.problem for step in _all(trace.roots) for entry in step.entries if entry.problem]
        assert problems.count("its content does not fit its hash") == 2


def _all(steps: list[Step]) -> list[Step]:
    return [found for step in steps for found in (step, *_all(step.led_to))]


def test_causations_that_form_a_circle_do_not_hide_anything(bank: Bank) -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC).isoformat()
    for key, cause in (("a", "b"), ("b", "a")):
        bank.execute(
            "account-alice",
            lambda account: (account.deposit(1, at=bank.clock.now), account)[1],
            key=key,
            causation=cause,
            correlation="circle",
            recorded_at=at,
        )
    trace: Trace = bank.traces.search("circle")
    assert len(told(trace.roots)) == trace.steps == 2
