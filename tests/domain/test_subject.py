"""A subject is forgotten: once for each key that is destroyed."""

from datetime import UTC, datetime

import pytest

from domain.ledger import InvalidCommand, Subject, fold, subject_stream

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_subject_is_forgotten() -> None:
    subject = Subject.forget(None, "alice", key=1, at=NOON)
    (event,) = subject.collect_events()
    assert (event.originator_id, event.key, event.timestamp) == (subject_stream("alice"), 1, NOON)
    assert subject.subject_id == "alice"


def test_a_subject_of_whom_more_was_written_is_forgotten_again() -> None:
    subject = Subject.forget(None, "alice", key=1, at=NOON)
    again = fold(Subject.forget(subject, "alice", key=2, at=NOON), [])
    assert again is not None
    assert [event.key for event in again.collect_events()] == [1, 2]


def test_forgetting_the_same_key_twice_changes_nothing() -> None:
    subject = Subject.forget(None, "alice", key=1, at=NOON)
    events = subject.collect_events()
    assert Subject.forget(subject, "alice", key=1, at=NOON).collect_events() == []
    assert fold(None, events) == subject


def test_the_id_of_a_subject_is_that_of_an_owner() -> None:
    with pytest.raises(InvalidCommand):
        Subject.forget(None, "Alice Liddell", key=1, at=NOON)
