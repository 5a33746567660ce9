"""Who is refused, and with what reason: links, tokens, rivals, and clients that break the protocol."""

import logging
import socket

import pytest

from localazure.amqp.decode import Described
from localazure.amqp.encode import NULL, composite, string, uint
from localazure.amqp.frames import frame
from localazure.amqp.message import read_event
from localazure.amqp.performatives import DETACH, DISPOSITION, transfer_head
from localazure.eventhubs.errors import NotFound, OutOfRange
from localazure.eventhubs.links.address import parse_address
from localazure.eventhubs.links.link import distance
from tests.localazure.eventhubs.eventhubs_wire import body_of, connect, message

READ_0 = "amqps://localhost/orders/ConsumerGroups/$Default/Partitions/0"
WRITE_0 = "amqps://localhost/orders/Partitions/0"


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


@pytest.mark.parametrize(
    ("selector", "words"),
    [
        ("offset > '{beyond}'", "The supplied offset '{beyond}' is invalid. The last offset in the system is '{last}'"),
        ("offset >= '{far}'", "The supplied offset '{far}' is invalid. The last offset in the system is '{last}'"),
        (
            "sequence-number > '2'",
            "The supplied sequence number '2' is invalid. The last sequence number in the system",
        ),
        ("sequence-number >= '9'", "sequence number '9' is invalid. The last sequence number in the system is '1'"),
    ],
)
def test_a_position_beyond_the_end_is_refused_in_the_services_words(wire, hubs, selector, words):
    partition = hubs.hub("orders").partition("0")
    partition.append([read_event(message(body)) for body in "ab"])
    last = partition.tail.last_offset
    numbers = {"beyond": last + 1, "far": last + 10**9, "last": last}
    wire.attach(1, READ_0, receives=True, selector=f"amqp.annotation.x-opt-{selector.format(**numbers)}")
    condition, description = wire.detached()
    assert condition == "com.microsoft:argument-error"
    assert words.format(**numbers) in description


def test_an_old_offset_of_an_empty_partition_is_refused(wire):
    wire.attach(1, READ_0, receives=True, selector="amqp.annotation.x-opt-offset > '25789595200'")
    condition, description = wire.detached()
    assert condition == "com.microsoft:argument-error"
    assert "The last offset in the system is '-1'" in description


@pytest.mark.parametrize(
    "selector",
    [
        "offset > '{last}'",
        "offset >= '{last}'",
        "offset > '@latest'",
        "sequence-number > '1'",
        "enqueued-time > '9999999999999'",
    ],
)
def test_whoever_has_read_all_waits_for_what_comes(wire, hubs, selector):
    partition = hubs.hub("orders").partition("0")
    partition.append([read_event(message(body)) for body in "ab"])
    chosen = selector.format(last=partition.tail.last_offset)
    answer = wire.attach(1, READ_0, receives=True, selector=f"amqp.annotation.x-opt-{chosen}")
    assert isinstance(answer.get(5), Described)


def test_the_last_offset_is_no_place_beyond_the_end_when_its_event_is_gone(wire, hubs):
    partition = hubs.hub("orders").partition("0")
    partition.append([read_event(message(body)) for body in "ab"])
    partition.enforce(partition.tail.last_ms + 1, None)
    assert partition.empty
    chosen = f"amqp.annotation.x-opt-offset > '{partition.tail.last_offset}'"
    assert isinstance(wire.attach(1, READ_0, receives=True, selector=chosen).get(5), Described)


@pytest.mark.parametrize(
    "refused",
    [
        lambda hubs: hubs.hub("fakehub"),
        lambda hubs: hubs.hub("orders").check_group("nobody"),
        lambda hubs: parse_address("amqps://localhost/orders/what/is/this"),
    ],
    ids=["hub", "consumer group", "address"],
)
def test_what_is_not_there_is_told_in_the_words_that_clients_look_for(hubs, refused):
    # Without them the JavaScript SDK takes it for a passing trouble and asks again for minutes.
    with pytest.raises(NotFound, match=r"The messaging entity .* could not be found"):
        refused(hubs)


def test_a_partition_that_is_not_there_is_told_in_the_services_words(hubs):
    with pytest.raises(OutOfRange, match=r"The specified partition is invalid .* It should be between 0 and 1"):
        hubs.hub("orders").partition("2")


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
