"""The protocol below the SDK: windows, credit, frames, refusals, and clients that misbehave."""

import logging
import socket

import pytest
from eventhubs_wire import BATCH, Wire, batch, body_of, connect, message

from devkit.eventhubs.decode import Described, decode
from devkit.eventhubs.encode import NULL, TRUE, composite, mapping, section, sequence, string, symbol, uint
from devkit.eventhubs.frames import frame
from devkit.eventhubs.link import distance
from devkit.eventhubs.message import DELIVERY_ANNOTATIONS, sections
from devkit.eventhubs.performatives import DETACH, DISPOSITION, FLOW, MAX_MESSAGE, TRANSFER, transfer_head

ACCEPTED, REJECTED = 0x24, 0x25
READ_0 = "amqps://localhost/orders/ConsumerGroups/$Default/Partitions/0"
WRITE_0 = "amqps://localhost/orders/Partitions/0"


@pytest.fixture
def wire(server):
    with connect(server) as client:
        assert client.authorize() == (202, "Accepted")
        yield client


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


@pytest.mark.parametrize(
    ("address", "receives", "condition", "named"),
    [
        ("amqps://localhost/orders/Partitions/2", False, "com.microsoft:argument-out-of-range", "partition '2'"),
        ("amqps://localhost/orders/Partitions/-1", False, "com.microsoft:argument-out-of-range", "partition '-1'"),
        (READ_0.replace("$Default", "nobody"), True, "amqp:not-found", "consumer group 'nobody'"),
        (READ_0.replace("orders", "fakehub"), True, "amqp:unauthorized-access", "hub 'fakehub'"),
        ("amqps://localhost/orders", True, "amqp:invalid-field", "ConsumerGroups"),
        ("amqps://localhost/orders/what/is/this", False, "amqp:not-found", "what/is/this"),
    ],
)
def test_a_link_to_nowhere_is_refused_with_the_reason(wire, address, receives, condition, named):
    answer = wire.attach(1, address, receives=receives)
    assert answer.get(5 if receives else 6) is None
    told, description = wire.detached()
    assert told == condition
    assert named in description


def test_an_unreadable_selector_is_refused(wire):
    wire.attach(1, READ_0, receives=True, selector="amqp.annotation.x-opt-colour > 'blue'")
    condition, description = wire.detached()
    assert condition == "amqp:invalid-field"
    assert "x-opt-colour" in description


def test_a_higher_epoch_takes_the_partition_and_lower_ones_are_refused(wire):
    wire.attach(1, READ_0, receives=True)
    wire.attach(2, READ_0, receives=True, epoch=1)
    assert wire.detached()[0] == "amqp:link:stolen"
    wire.attach(3, READ_0, receives=True, epoch=0)
    assert wire.detached()[0] == "amqp:link:stolen"
    wire.attach(4, READ_0, receives=True)
    assert wire.detached()[0] == "amqp:link:stolen"
    wire.attach(5, READ_0, receives=True, epoch=1)
    assert wire.detached()[0] == "amqp:link:stolen"
    wire.attach(6, READ_0.replace("$Default", "audit"), receives=True)
    wire.write(composite(DETACH, [uint(5), b"\x41", NULL]))
    assert wire.read(DETACH).get(2) is None


def test_five_readers_share_a_partition_and_a_sixth_is_refused(wire):
    for handle in range(5):
        wire.attach(handle, READ_0, receives=True)
    wire.attach(5, READ_0, receives=True)
    assert wire.detached()[0] == "amqp:resource-limit-exceeded"
    wire.detach(0)
    wire.attach(6, READ_0, receives=True)
    wire.detach(6)


def test_a_readers_place_is_free_again_when_its_connection_is_lost(server, hubs):
    with connect(server) as first:
        first.authorize()
        first.attach(1, READ_0, receives=True, epoch=9)
    with connect(server) as second:
        second.authorize()
        for _ in range(100):
            answer = second.attach(1, READ_0, receives=True, epoch=1)
            if answer.get(5) is not None:
                break
            second.detached()
        assert isinstance(answer.get(5), Described)


@pytest.mark.parametrize(
    ("arguments", "status", "named"),
    [
        ({"operation": "put-token", "name": "sb://localhost/fakehub"}, 401, "no shared access signature"),
        ({"operation": "delete-token", "name": "sb://localhost/orders"}, 400, "delete-token"),
        ({"operation": "put-token"}, 400, "'name'"),
    ],
)
def test_a_bad_request_for_a_token_is_answered_with_the_reason(wire, arguments, status, named):
    told, description = wire.ask("$cbs", arguments, string("no token"))
    assert told == status
    assert named in description


@pytest.mark.parametrize(
    ("changes", "status", "named"),
    [
        ({"hub": "fakehub"}, 404, "'fakehub'"),
        ({"policy": "Listen"}, 401, "policy 'Listen'"),
        ({"key": "wrong"}, 401, "is not the key of policy"),
    ],
)
def test_a_token_for_a_wrong_hub_policy_or_key_is_refused_with_what_is_wrong(wire, changes, status, named):
    told, description = wire.authorize(**changes)
    assert told == status
    assert named in description


def test_the_management_node_wants_a_token_of_its_own(wire):
    status, description = wire.ask(
        "$management",
        {"operation": "READ", "type": "com.microsoft:eventhub", "name": "orders", "security_token": "none"},
    )
    assert status == 401
    assert "shared access signature" in description


def test_what_follows_in_the_buffer_of_a_cut_connection_is_not_stored(wire, hubs):
    wire.attach(1, WRITE_0)
    hubs.faults.inject("drop-after-store")
    transfers = [
        frame(0, transfer_head(1, number, settled=False, more=False), message(str(number))) for number in range(3)
    ]
    wire.stream.sendall(b"".join(transfers))
    with pytest.raises(ConnectionError):
        wire.read(DISPOSITION)
    assert [number for number, _ in hubs.hub("orders").partition("0").read(0, 10)] == [0]


def test_a_slow_server_takes_what_came_meanwhile_in_order(wire, hubs):
    wire.attach(1, WRITE_0)
    hubs.faults.inject("slow", delay=0.05)
    for number in range(3):
        wire.transfer(1, message(str(number)), number=number)
    assert [wire.read(DISPOSITION).number(1) for _ in range(3)] == [0, 1, 2]
    assert [body_of(raw) for _, raw in hubs.hub("orders").partition("0").read(0, 10)] == ["0", "1", "2"]


def test_counters_that_wrap_around_keep_their_distance():
    assert distance(0xFFFFFFFE, 3) == 5
    assert distance(3, 0xFFFFFFFE) == 0


def test_a_client_that_breaks_the_protocol_is_told_and_hung_up_on(server):
    with connect(server) as wire:
        wire.transfer(7, b"")
        condition, description = wire.closed()
        assert condition == "amqp:connection:framing-error"
        assert "handle 7" in description
        with pytest.raises(ConnectionError, match="hung up"):
            wire.read()


def test_frames_for_an_ended_session_are_ignored(wire):
    wire.end()
    wire.write(composite(DETACH, [uint(1), b"\x41", NULL]))
    wire.write(composite(0x11, [NULL, uint(0), uint(10), uint(10), uint(10), NULL, NULL, NULL]), channel=3)
    assert wire.read(0x11).number(0) == 3


@pytest.mark.parametrize(
    ("opening", "hint"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", "UseDevelopmentEmulator=true"),
        (b"GET /$servicebus/websocket HTTP/1.1\r\n", "TransportType.Amqp"),
        (b"AMQP\x00\x00\x09\x01", "AMQP 1.0"),
    ],
)
def test_a_client_of_another_protocol_gets_a_hint_into_the_servers_log(server, caplog, opening, hint):
    with caplog.at_level(logging.WARNING), socket.create_connection(("127.0.0.1", server.port), timeout=10) as stream:
        stream.sendall(opening)
        while stream.recv(1024):
            pass
    assert hint in caplog.text


def test_an_idle_client_is_kept_alive_at_half_its_time_out(server):
    with connect(server, idle_ms=40) as wire:
        received = b""
        while received.count(frame(0, b"")[:8]) < 3:
            received += wire.stream.recv(1024)
