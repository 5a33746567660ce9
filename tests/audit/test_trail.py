"""What was true when: states, differences, running balances, and answers that say that there is no answer."""

from datetime import datetime, timedelta

import pytest

from audit.errors import BeforeBeginning, CannotApply, StreamUnknown, VersionUnknown
from tests.audit.bank import NOON, Bank

ALICE = "account-alice"


def test_a_state_at_a_version_is_that_of_its_event(bank: Bank) -> None:
    state = bank.trail.state(ALICE, version=3)
    assert (state.version, state.head, state.unit) == (3, 5, "EUR/2")
    assert (state.facts["balance"], state.facts["held"], state.facts["available"]) == (1000, 300, 700)
    assert state.facts["holds.open.1.transfer_id"] == "t1"


def test_a_state_at_a_time_has_all_that_was_recorded_up_to_then(bank: Bank) -> None:
    assert bank.trail.state(ALICE, at=NOON).version == 1
    assert bank.trail.state(ALICE, at=NOON + timedelta(minutes=1)).facts["balance"] == 1000
    assert bank.trail.state(ALICE, at=NOON + timedelta(days=1)).facts["balance"] == 500
    assert bank.trail.state(ALICE).version == 5


def test_a_time_before_the_stream_began_is_an_error_and_never_an_empty_answer(bank: Bank) -> None:
    with pytest.raises(BeforeBeginning, match="did not exist at 2026-03-01T11:59:59"):
        bank.trail.state(ALICE, at=NOON - timedelta(seconds=1))


def test_versions_and_streams_that_are_not_there_are_errors(bank: Bank) -> None:
    with pytest.raises(VersionUnknown, match="has versions 1 to 5, not 6"):
        bank.trail.state(ALICE, version=6)
    for question in (
        lambda: bank.trail.state("account-nobody"),
        lambda: bank.trail.state("account-nobody", at=NOON),
        lambda: bank.trail.page("account-nobody"),
        lambda: bank.trail.timeline("account-nobody"),
    ):
        with pytest.raises(StreamUnknown):
            question()


def test_differences_are_told_field_by_field(bank: Bank) -> None:
    found = bank.trail.compare(ALICE, 2, NOON + timedelta(days=1))
    assert {each.name: (each.before, each.after) for each in found.differences} == {
        "available": (1000, 500),
        "balance": (1000, 500),
        "holds.placed": (0, 1),
        "limits.day": ("0001-01-01", "2026-03-01"),
        "limits.debited": (0, 500),
    }
    holds = bank.trail.compare(ALICE, 2, 3).differences
    assert next(each for each in holds if each.name == "holds.open.1.amount").present == (False, True)


def test_entries_say_who_what_why_and_what_it_came_to(bank: Bank) -> None:
    bank.act("alice", lambda account: account.freeze(reason="court order 7", at=bank.clock.now), reason="court order 7")
    entries = bank.trail.entries(ALICE)
    assert [(entry.sentence, entry.change, entry.figures["balance"], entry.figures["held"]) for entry in entries] == [
        ("Account opened in EUR/2 for subject-1", 0, 0, 0),
        ("Deposit of 10.00 EUR", 1000, 1000, 0),
        ("Hold 1 of 3.00 EUR for transfer t1 placed", 0, 1000, 300),
        ("Hold 1 captured for transfer t1: 3.00 EUR", -300, 700, 0),
        ("Withdrawal of 2.00 EUR, “rent”", -200, 500, 0),
        ("Account frozen: court order 7", 0, 500, 0),
    ]
    assert (entries[2].actor, entries[-1].actor, entries[-1].reason) == (
        "process:transfers",
        "user:clerk",
        "court order 7",
    )
    assert {entry.problem for entry in entries} == {None}


def test_pages_cover_a_stream_without_gap_and_know_their_neighbours(bank: Bank) -> None:
    for amount in range(1, 8):
        bank.deposit("bob", amount)
    seen, upto = [], None
    while True:
        page = bank.trail.page("account-bob", upto=upto, limit=4)
        seen = [*(entry.version for entry in page.entries), *seen]
        assert {entry.problem for entry in page.entries} == {None}
        if page.older is None:
            break
        assert bank.trail.page("account-bob", upto=page.older, limit=4).newer == page.entries[-1].version
        upto = page.older
    assert seen == list(range(1, 10))


def test_a_later_look_reads_only_what_is_new_and_notices_an_altered_log(bank: Bank) -> None:
    trail = bank.trail
    assert trail.page("account-bob").head == 2
    bank.deposit("bob", 5)
    assert [entry.figures.get("balance") for entry in trail.page("account-bob").entries] == [0, 300, 305]
    bank.rewrite("account-bob", 2, '"amount":300', '"amount":900')
    assert [entry.figures.get("balance") for entry in trail.page("account-bob").entries] == [0, 900, 905]


def test_an_altered_event_is_marked_where_it_is_and_the_rest_is_still_shown(bank: Bank) -> None:
    bank.alter(ALICE, 2, state='{"amount":"many"}')
    entries = bank.trail.entries(ALICE)
    assert [entry.version for entry in entries if entry.problem] == [2]
    assert [entry.figures.get("balance") for entry in entries] == [0, None, None, None, None]
    assert bank.trail.timeline(ALICE).failure is not None
    with pytest.raises(CannotApply, match="version 2 of account-alice"):
        bank.trail.state(ALICE)


def test_refusals_are_part_of_the_trail(bank: Bank) -> None:
    (refused,) = bank.trail.refusals(ALICE, limit=10)
    assert (refused.code, refused.actor, refused.problem) == ("INSUFFICIENT_FUNDS", "user:hasty", None)


@pytest.mark.parametrize("state", ["{}", "not json", "[]", '{"code":"OTHER","message":"m","details":{}}'])
def test_an_altered_refusal_is_shown_and_marked(bank: Bank, state: str) -> None:
    (document,) = bank.log.outcomes(ALICE)
    bank.events.replace_item(document["id"], document | {"state": state})
    (refused,) = bank.trail.refusals(ALICE, limit=10)
    assert refused.code in ("UNREADABLE", "OTHER")
    assert refused.problem == "its content does not fit its hash"


def test_a_state_in_a_long_stream_is_the_same_from_a_checkpoint_and_from_the_beginning(bank: Bank) -> None:
    bank.open("long")
    for _ in range(12):
        bank.act("long", lambda account: [account.deposit(7, at=bank.clock.now) for _ in range(90)])
    trail, stream = bank.trail, "account-long"
    trail.timeline(stream)
    times = [trail.timeline(stream).figures[version].recorded_at for version in (499, 500, 501, 1081)]
    for version in (1, 499, 500, 501, 999, 1000, 1081):
        assert trail.state(stream, version=version) == bank.trail.state(stream, version=version)
    for at in map(datetime.fromisoformat, times):
        assert trail.state(stream, at=at) == bank.trail.state(stream, at=at)
    assert trail.state(stream) == bank.trail.state(stream)


def test_a_checkpoint_of_a_log_that_was_altered_since_is_not_used(bank: Bank) -> None:
    bank.open("long")
    for _ in range(6):
        bank.act("long", lambda account: [account.deposit(7, at=bank.clock.now) for _ in range(90)])
    trail = bank.trail
    trail.timeline("account-long")
    bank.rewrite("account-long", 500, '"amount":7', '"amount":9')
    assert trail.state("account-long", version=510).facts["balance"] == 509 * 7 + 2
