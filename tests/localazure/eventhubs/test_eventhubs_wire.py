"""The protocol below the SDK: windows, credit, frames, refusals, and clients that misbehave."""

import pytest

from localazure.amqp.decode import decode
from localazure.amqp.encode import TRUE, mapping, section, sequence, string, symbol
from localazure.amqp.message import DELIVERY_ANNOTATIONS, sections
from localazure.amqp.performatives import DISPOSITION, FLOW, MAX_MESSAGE, TRANSFER
from tests.localazure.eventhubs.eventhubs_wire import BATCH, Wire, batch, body_of, connect, message

ACCEPTED, REJECTED = 0x24, 0x25
READ_0 = "amqps://localhost/orders/ConsumerGroups/$Default/Partitions/0"
WRITE_0 = "amqps://localhost/orders/Partitions/0"


def store(wire: Wire, *bodies: str) -> None:
    wire.attach(1, WRITE_0)
    wire.transfer(1, batch(*(message(body) for body in bodies)), message_format=BATCH)
    assert wire.outcome()[0] == ACCEPTED
    wire.detach(1)


def bodies_of(wire: Wire, count: int) -> list[str]:
    return [body_of(wire.read(TRANSFER).payload) for _ in range(count)]


@pytest.mark.parametrize(
    ("selector", "first"),
    [
        (None, 0),
        ("amqp.annotation.x-opt-offset > '-1'", 0),
        ("amqp.annotation.x-opt-offset >= '0'", 0),
        ("amqp.annotation.x-opt-offset > '0'", 1),
        ("amqp.annotation.x-opt-sequence-number > '1'", 2),
        ("amqp.annotation.x-opt-sequence-number >= '1'", 1),
        ("amqp.annotation.x-opt-sequence-number > '-1'", 0),
        ("amqp.annotation.x-opt-enqueued-time > '0'", 0),
    ],
)
def test_a_selector_sets_the_readers_first_event(wire, selector, first):
    store(wire, "0", "1", "2", "3")
    wire.attach(2, READ_0, receives=True, selector=selector)
    wire.credit(2, 10)
    assert bodies_of(wire, 4 - first) == [str(number) for number in range(first, 4)]


@pytest.mark.parametrize(
    "selector", ["amqp.annotation.x-opt-offset > '@latest'", "amqp.annotation.x-opt-enqueued-time > '99999999999999'"]
)
def test_a_reader_behind_the_end_gets_only_what_comes_later(wire, selector):
    store(wire, "old")
    wire.attach(2, READ_0, receives=True, selector=selector)
    store(wire, "new")
    wire.credit(2, 10)
    assert bodies_of(wire, 1) == ["new"]


def test_no_more_than_the_credit_is_sent_and_draining_uses_up_the_rest(wire):
    store(wire, *"abcdef")
    wire.attach(2, READ_0, receives=True)
    wire.credit(2, 2, echo=True)
    assert bodies_of(wire, 2) == ["a", "b"]
    flow = wire.read()
    assert (flow.code, flow.number(5), flow.number(6)) == (FLOW, 2, 0)

    wire.credit(2, 10, seen=2, drain=True, received=2)

    assert bodies_of(wire, 4) == ["c", "d", "e", "f"]
    flow = wire.read()
    assert (flow.code, flow.number(5), flow.number(6)) == (FLOW, 12, 0)


def test_nothing_is_sent_into_a_full_session_window_and_a_session_flow_reopens_it(wire):
    store(wire, *"abcd")
    wire.attach(2, READ_0, receives=True)
    received = 1  # the answer of $cbs
    wire.credit(2, 10, window=3, received=received, echo=True)
    assert bodies_of(wire, 3) == ["a", "b", "c"]
    assert wire.read().code == FLOW
    wire.credit(None, received=received + 3, window=3)
    assert bodies_of(wire, 1) == ["d"]


def test_a_large_event_is_cut_into_the_clients_frame_size(server):
    with connect(server, max_frame=512) as wire:
        wire.authorize()
        store(wire, "x" * 2000)
        wire.attach(2, READ_0, receives=True)
        wire.credit(2, 10)
        payload, more = b"", True
        while more:
            part = wire.read(TRANSFER)
            payload, more = payload + part.payload, part.flag(5)
            assert len(part.payload) < 512
        assert body_of(payload) == "x" * 2000


def test_a_message_in_several_frames_is_one_event_and_an_aborted_one_none(wire):
    wire.attach(1, WRITE_0)
    whole = message("in three parts")
    wire.transfer(1, b"never mind", number=0, more=True)
    wire.transfer(1, b"", number=0, aborted=True)
    for start in (0, 5):
        wire.transfer(1, whole[start : start + 5], number=1, more=True)
    wire.transfer(1, whole[10:], number=1)
    assert wire.outcome() == (ACCEPTED, "", "")
    wire.attach(2, READ_0, receives=True)
    wire.credit(2, 10, echo=True)
    assert bodies_of(wire, 1) == ["in three parts"]
    assert wire.read().code == FLOW


def test_a_batch_with_one_malformed_event_is_refused_whole(wire, hubs):
    wire.attach(1, WRITE_0)
    wire.transfer(1, batch(message("good"), b"\x00\x53\x75\xa0\xff", message("good too")), message_format=BATCH)
    state, condition, description = wire.outcome()
    assert (state, condition) == (REJECTED, "amqp:decode-error")
    assert "cannot be read" in description
    assert hubs.hub("orders").partition("0").empty


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"", "no body"),
        (b"plain text", "no section starts"),
        (section(0x73, b"\x45"), "no body"),
        (section(0x79, b"\x45"), "describes no section"),
        (section(0x72, b"\xc1\x02\x01\x40") + message("x"), "key without a value"),
        (message("x", key="k" * 129), "at most 128"),
    ],
)
def test_what_is_no_event_is_rejected_with_the_reason(wire, payload, why):
    wire.attach(1, WRITE_0)
    wire.transfer(1, payload)
    state, _, description = wire.outcome()
    assert state == REJECTED
    assert why in description


def test_an_oversized_message_is_rejected_and_the_link_goes_on(wire):
    wire.attach(1, WRITE_0)
    part = b"x" * 60000
    for _ in range(MAX_MESSAGE // len(part) + 1):
        wire.transfer(1, part, more=True)
    wire.transfer(1, part)
    state, condition, description = wire.outcome()
    assert (state, condition) == (REJECTED, "amqp:link:message-size-exceeded")
    assert str(MAX_MESSAGE) in description
    wire.transfer(1, message("small"), number=1)
    assert wire.outcome()[0] == ACCEPTED


def test_a_settled_transfer_is_stored_and_not_answered(wire):
    wire.attach(1, WRITE_0)
    wire.transfer(1, message("at most once"), settled=True)
    wire.transfer(1, message("at least once"), number=1)
    assert wire.read(DISPOSITION).number(1) == 1
    wire.attach(2, READ_0, receives=True)
    wire.credit(2, 10)
    assert bodies_of(wire, 2) == ["at most once", "at least once"]


def test_a_receipt_that_wants_confirmation_is_confirmed(wire):
    store(wire, "a", "b")
    wire.attach(2, READ_0, receives=True)
    wire.credit(2, 10)
    bodies_of(wire, 2)
    wire.disposition(1, 2)
    confirmed = wire.read(DISPOSITION)
    assert (confirmed.number(1), confirmed.number(2), confirmed.flag(3)) == (1, 2, True)


def test_runtime_metrics_travel_in_front_of_the_annotations(wire):
    wire.attach(9, WRITE_0)
    mine = section(0x70, sequence([TRUE])) + section(0x71, mapping([symbol("mine"), string("kept")]))
    wire.transfer(9, mine + message("a"))
    assert wire.outcome()[0] == ACCEPTED
    store(wire, "b", "c")
    answer = wire.attach(
        3, READ_0, receives=True, capabilities=["com.microsoft:enable-receiver-runtime-metric", "com.microsoft:other"]
    )
    assert answer.get(11) == ["com.microsoft:enable-receiver-runtime-metric"]
    wire.credit(3, 2)
    for kept in ({"mine": "kept"}, {}):
        payload = wire.read(TRANSFER).payload
        [told] = [decode(payload, part.value)[0] for part in sections(payload) if part.code == DELIVERY_ANNOTATIONS]
        assert told.pop("last_enqueued_sequence_number") == 2
        assert {name: value for name, value in told.items() if name == "mine"} == kept
        assert [part.code for part in sections(payload)] == sorted(part.code for part in sections(payload))
