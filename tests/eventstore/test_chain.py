"""The hash chain: a fixed form, and no change that it does not notice."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore.log.chain import genesis, link
from eventstore.log.documents import Document, event_id, sealed
from eventstore.log.outcomes import Refusal, outcome_document
from eventstore.log.verification import Verification, verify

STREAM = "account-alice"
GENESIS = "78e11a4e1c05c39aa0724697e2586330806227922337841609db433bdd779859"
FIRST = "394f9aad01d376147f3c97fc490a256fef7f174af081eaf15cb0df21231257d2"
SECOND = "3db365eadafceb7e3bbc9da7b4dee1a9a9543793989f3e00b8e1e90018c51dd0"
FIELDS: dict[str, Any] = {
    "stream": STREAM,
    "version": 1,
    "type_name": "account.opened",
    "schema": 1,
    "enc": "json",
    "state": '{"owner":"Zoë"}',
    "meta": "{}",
    "command_id": "key-1",
}


def chain(length: int, stream: str = STREAM) -> list[Document]:
    documents: list[Document] = []
    prev = genesis(stream)
    for version in range(1, length + 1):
        documents.append(
            sealed(
                event_id(version),
                stream=stream,
                version=version,
                type_name="account.funds-credited",
                schema=1,
                state=b'{"amount":%d}' % (version % 3),
                meta={"id": f"{stream}-{version}", "recorded_at": "2026-03-01T12:30:00+00:00"},
                command_id=f"key-{version}",
                prev=prev,
            )
        )
        prev = documents[-1]["hash"]
    return documents


def outcome(key: str = "refused") -> Document:
    return outcome_document(
        stream=STREAM, version=3, head="0" * 64, command_id=key, refusal=Refusal("NO", "no", {}), meta={"answer": {}}
    )


def check(documents: list[Document], **options: Any) -> Verification:
    return verify(STREAM, sorted(documents, key=lambda each: str(each.get("id"))), **options)


def test_the_canonical_form_never_changes() -> None:
    """The test vectors of docs/event-store.md, made with nothing but printf and sha256sum."""
    first = genesis(STREAM)
    assert first == GENESIS
    second = link(first, **FIELDS)
    assert second == FIRST
    assert link(second, **FIELDS | {"version": 2, "schema": 3, "enc": "base64", "state": "/w=="}) == SECOND


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"enc": "json", "state": "x"}, {"enc": "jso", "state": "nx"}),
        ({"state": "a,1:b", "meta": ""}, {"state": "a", "meta": "b"}),
        ({"version": 1, "schema": 11}, {"version": 11, "schema": 1}),
        ({"state": "é"}, {"state": "e\u0301"}),
    ],
)
def test_no_two_events_have_the_same_encoding(left: dict[str, Any], right: dict[str, Any]) -> None:
    assert link("0", **FIELDS | left) != link("0", **FIELDS | right)


def test_a_whole_chain_verifies_and_names_its_head() -> None:
    documents = chain(5)
    found = check([*documents, outcome()])
    assert found.sound
    assert (found.version, found.head, found.events, found.outcomes) == (5, documents[-1]["hash"], 5, 1)


def test_a_stream_without_events_verifies() -> None:
    found = check([])
    assert found.sound
    assert (found.version, found.head) == (None, genesis(STREAM))


def test_a_missing_tail_shows_only_against_a_hash_that_was_kept() -> None:
    documents = chain(5)
    kept = (5, documents[4]["hash"])
    assert check(documents[:4]).sound
    assert not check(documents[:4], head=kept).sound
    assert check([*documents, *chain(6)[5:]], head=kept).sound


def test_a_stream_written_anew_shows_only_against_a_hash_that_was_kept() -> None:
    kept = (2, chain(3)[1]["hash"])
    forged = chain(1)
    forged.append(forged_event(forged[0]))
    assert check(forged).sound
    (fault,) = check(forged, head=kept).faults
    assert fault.document_id == event_id(2)


def forged_event(before: Document) -> Document:
    return sealed(
        event_id(2),
        stream=STREAM,
        version=2,
        type_name="account.closed",
        schema=1,
        state=b"{}",
        meta={},
        command_id="forged",
        prev=before["hash"],
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"amount": 1}, "which no event has"),
        ({"version": 2.0}, "not of the type"),
        ({"version": True}, "not of the type"),
        ({"version": -2}, "out of range"),
        ({"schema": "1"}, "not of the type"),
        ({"id": "2"}, "its id should be 0000000002"),
        ({"streamId": "account-bob"}, "belongs to stream 'account-bob'"),
        ({"state": "{}"}, "does not fit its hash"),
        ({"state": "\ud800"}, "does not fit its hash"),
    ],
)
def test_a_fault_says_which_document_and_what_is_wrong(change: dict[str, Any], problem: str) -> None:
    documents = chain(3)
    documents[1] |= change
    faults = check(documents).faults
    assert any(problem in fault.problem and fault.document_id == documents[1]["id"] for fault in faults)


def test_a_field_taken_away_is_named() -> None:
    documents = chain(3)
    del documents[1]["meta"]
    assert check(documents).faults[0].problem == "has no meta"


def test_a_changed_outcome_is_found() -> None:
    changed = outcome() | {"state": '{"code":"YES"}'}
    assert not check([*chain(2), changed]).sound
    assert not check([*chain(2), outcome() | {"id": outcome("other")["id"]}]).sound


def test_faults_are_counted_up_to_a_hundred() -> None:
    documents = [each | {"state": "?"} for each in chain(150)]
    assert len(check(documents).faults) == 100


@st.composite
def mutations(draw: st.DrawFn) -> list[Document]:
    """Two streams of which the first was tampered with in one place: changed, exchanged, inserted or removed."""
    documents, strangers = chain(8), chain(8, "account-bob")
    at = draw(st.integers(0, 6))
    kind = draw(st.sampled_from(["change", "exchange", "insert", "remove"]))
    if kind == "remove":
        del documents[at]
    elif kind == "insert":
        guest = copy.deepcopy(draw(st.sampled_from([*documents, *strangers])))
        guest |= draw(st.sampled_from([{}, {"streamId": STREAM}, {"id": event_id(9), "version": 9}, {"id": "a"}]))
        documents.insert(at, guest)
    elif kind == "exchange":
        other = draw(st.integers(0, 7).filter(lambda index: index != at))
        names = draw(st.lists(st.sampled_from(sorted({*documents[0]} - {"enc", "schema", "type", "streamId"}))))
        for name in names or ["state", "hash", "prev"]:
            documents[at][name], documents[other][name] = documents[other][name], documents[at][name]
    else:
        name = draw(st.sampled_from(sorted(documents[at])))
        old = documents[at][name]
        change = st.integers() if isinstance(old, int) else st.text(max_size=80)
        documents[at][name] = draw((change | st.none()).filter(lambda new: new != old))
    return documents


@given(mutations())
@settings(max_examples=300, deadline=None)
def test_any_single_change_exchange_insertion_or_removal_is_found(documents: list[Document]) -> None:
    """Two documents that are exchanged as a whole are the same documents: the database keeps them by id."""
    same = sorted(documents, key=lambda each: str(each.get("id"))) == chain(8)
    assert same or not check(documents).sound
