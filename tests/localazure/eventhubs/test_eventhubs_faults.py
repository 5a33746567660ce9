"""Faults on purpose, as the real client lives through them."""

import time

import pytest
from azure.eventhub import EventData
from azure.eventhub.exceptions import EventDataSendError, EventHubError

from localazure.eventhubs import FaultKind, Faults
from tests.localazure.eventhubs.eventhubs_wire import body_of


def stored(hubs, partition: str = "0") -> list[str]:
    return [body_of(raw) for _, raw in hubs.hub("orders").partition(partition).read(0, 1000)]


@pytest.mark.parametrize("kind", ["refuse", "drop"])
def test_the_client_tries_again_after_a_fault_and_the_event_is_there_once(server, hubs, send, kind):
    server.faults.inject(kind, side="producer")
    send("one", partition="0")
    assert server.faults.struck(kind) == 1
    assert stored(hubs) == ["one"]


def test_a_detached_producer_sends_again_over_a_new_link(server, hubs, send):
    send("warm", partition="0")
    server.faults.inject("detach", side="producer")
    send("one", partition="0")
    assert server.faults.struck("detach") == 1
    assert stored(hubs) == ["warm", "one"]


def test_a_connection_lost_between_storing_and_acknowledging_makes_a_duplicate(server, hubs, send):
    server.faults.inject("drop-after-store")
    send("one", "two", partition="0")
    assert stored(hubs) == ["one", "two", "one", "two"]


def test_a_busy_server_rejects_the_batch_and_stores_nothing(server, hubs, send):
    server.faults.inject("busy")
    with pytest.raises(EventDataSendError, match="busy on purpose"):
        send("one", partition="0")
    assert stored(hubs) == []
    send("one", partition="0")
    assert stored(hubs) == ["one"]


def test_a_slow_server_acknowledges_late_and_in_order(server, hubs, send):
    send("warm", partition="0")
    server.faults.inject("slow", delay=0.3)
    began = time.monotonic()
    send("slow", partition="0")
    assert time.monotonic() - began >= 0.3
    send("quick", partition="0")
    assert stored(hubs) == ["warm", "slow", "quick"]


def test_a_refusal_without_end_reaches_the_caller_with_its_condition(server, producer):
    server.faults.inject("refuse", times=None, condition="amqp:internal-error")
    with pytest.raises(EventHubError, match="refused on purpose"):
        producer.send_event(EventData("one"), partition_id="0")


def test_a_reader_loses_nothing_to_any_fault(server, send, receive):
    kinds = ["refuse", "detach", "drop", "slow"]
    send(*(str(number) for number in range(10)), partition="0")
    for kind in kinds:
        server.faults.inject(kind, side="consumer", delay=0.1)
    got = receive(server, 10, partition_id="0")
    assert [server.faults.struck(kind) for kind in kinds] == [1, 1, 1, 1]
    assert [event.body_as_str() for _, event in got] == [str(number) for number in range(10)]


def test_a_fault_strikes_only_where_it_is_aimed():
    faults = Faults()
    faults.inject("drop", hub="orders", partition=1, side="producer", times=None)
    strikes = {
        (hub, partition, side): faults.strike(FaultKind.DROP, hub, partition, side) is not None
        for hub in ("orders", "bills")
        for partition in (0, 1, None)
        for side in ("producer", "consumer")
    }
    assert [place for place, struck in strikes.items() if struck] == [("orders", 1, "producer")]
    assert faults.strike(FaultKind.SLOW, "orders", 1, "producer") is None
    faults.clear()
    assert faults.strike(FaultKind.DROP, "orders", 1, "producer") is None


def test_a_probability_strikes_the_same_events_for_the_same_seed():
    def pattern(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.inject("busy", times=None, probability=0.3)
        return [faults.strike(FaultKind.BUSY, "orders", 0, "producer") is not None for _ in range(200)]

    assert pattern(1) == pattern(1) != pattern(2)
    assert 30 < sum(pattern(1)) < 90


def test_a_fault_that_could_never_strike_is_refused():
    with pytest.raises(ValueError, match="times"):
        Faults().inject("drop", times=0)
    with pytest.raises(ValueError, match="probability"):
        Faults().inject("drop", probability=0)
