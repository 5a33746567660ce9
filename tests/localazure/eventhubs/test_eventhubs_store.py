"""What is kept, for how long, and under which numbers."""

from datetime import timedelta

import pytest

from localazure.amqp.message import read_event
from localazure.eventhubs import ConfigurationError, LocalEventHubs, Retention, serve
from localazure.eventhubs.errors import NotFound
from localazure.eventhubs.hubs.position import Position
from tests.localazure.eventhubs.eventhubs_wire import body_of, message


class Clock:
    """Milliseconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now


def append(hubs: LocalEventHubs, *bodies: str) -> None:
    hubs.hub("orders").partition("0").append([read_event(message(body)) for body in bodies])


def kept(hubs: LocalEventHubs) -> list[tuple[int, str]]:
    return [(number, body_of(raw)) for number, raw in hubs.hub("orders").partition("0").read(0, 1000)]


def test_events_older_than_the_retention_go_and_younger_ones_stay():
    clock = Clock()
    with LocalEventHubs(hubs={"orders": 1}, retention=Retention(age=timedelta(hours=1)), clock=clock) as hubs:
        append(hubs, "old", "old too")
        clock.now += 3_600_000
        append(hubs, "young")
        hubs.enforce_retention()
        assert [number for number, _ in kept(hubs)] == [0, 1, 2]
        clock.now += 1
        hubs.enforce_retention()
        assert kept(hubs) == [(2, "young")]
        assert hubs.hub("orders").partition("0").first == 2


def test_what_is_over_the_size_goes_oldest_first():
    with LocalEventHubs(hubs={"orders": 1}, retention=Retention(size=2500)) as hubs:
        append(hubs, *(letter * 990 for letter in "abcde"))
        hubs.enforce_retention()
        assert [(number, body[0]) for number, body in kept(hubs)] == [(3, "d"), (4, "e")]


def test_a_running_server_keeps_the_retention_by_itself():
    clock = Clock()
    retention = Retention(age=timedelta(seconds=1))
    with LocalEventHubs(hubs={"orders": 1}, retention=retention, clock=clock) as hubs, serve(hubs):
        append(hubs, "old")
        clock.now += 5000
        while not hubs.hub("orders").partition("0").empty:
            pass


def test_sequence_numbers_and_offsets_go_on_after_everything_was_removed_and_the_server_restarted(tmp_path):
    clock = Clock()
    with LocalEventHubs(tmp_path, hubs={"orders": 1}, clock=clock) as hubs:
        append(hubs, "a", "b", "c")
        clock.now += timedelta(days=30) // timedelta(milliseconds=1)
        hubs.enforce_retention()
        partition = hubs.hub("orders").partition("0")
        assert partition.empty
        end = partition.tail
    with LocalEventHubs(tmp_path, clock=clock) as hubs:
        partition = hubs.hub("orders").partition("0")
        assert (partition.tail, partition.first) == (end, 3)
        append(hubs, "d")
        assert kept(hubs) == [(3, "d")]
        assert partition.tail.last_offset == end.next_offset > end.last_offset


def test_a_clock_that_goes_back_never_makes_times_fall():
    clock = Clock()
    with LocalEventHubs(hubs={"orders": 1}, clock=clock) as hubs:
        append(hubs, "a")
        clock.now -= 60_000
        append(hubs, "b")
        assert hubs.hub("orders").partition("0").tail.last_ms == clock.now + 60_000


def test_positions_are_found_by_offset_time_and_number():
    clock = Clock()
    with LocalEventHubs(hubs={"orders": 1}, clock=clock) as hubs:
        for body in "abcdef":
            append(hubs, body)
            clock.now += 1000
        partition = hubs.hub("orders").partition("0")
        size = partition.tail.next_offset // 6
        start = clock.now - 6000
        found = [
            partition.locate(Position("offset", 2 * size)),
            partition.locate(Position("offset", 2 * size, inclusive=True)),
            partition.locate(Position("enqueued-time", start + 1500)),
            partition.locate(Position("enqueued-time", start + 2000)),
            partition.locate(Position("sequence-number", 5)),
            partition.locate(Position("latest")),
        ]
        assert found == [3, 2, 2, 3, 6, 6]


def test_a_data_directory_serves_one_server_at_a_time(tmp_path):
    with LocalEventHubs(tmp_path, hubs={"orders": 1}), pytest.raises(ConfigurationError, match="in use by another"):
        LocalEventHubs(tmp_path)


def test_a_stored_hub_keeps_its_number_of_partitions(tmp_path):
    with LocalEventHubs(tmp_path, hubs={"orders": 2}):
        pass
    with pytest.raises(ConfigurationError, match="stored with 2 partitions and cannot become one with 3"):
        LocalEventHubs(tmp_path, hubs={"Orders": 3})
    with LocalEventHubs(tmp_path) as hubs:
        assert len(hubs.hub("ORDERS").partitions) == 2


@pytest.mark.parametrize(
    ("hubs", "named"),
    [({"no spaces": 2}, "no hub name"), ({"orders": 0}, "1 to 1024"), ({"orders": 1025}, "1 to 1024")],
)
def test_an_impossible_hub_is_refused_at_once(hubs, named):
    with pytest.raises(ConfigurationError, match=named):
        LocalEventHubs(hubs=hubs)


def test_only_names_that_fit_a_pattern_become_hubs_by_themselves():
    with LocalEventHubs(auto_create={"eh-conf-*": 2}, consumer_groups={"eh-*": ["audit"]}) as hubs:
        made = hubs.hub("eh-conf-1")
        assert (len(made.partitions), made.groups) == (2, {"audit"})
        assert hubs.hub("EH-CONF-1") is made
        with pytest.raises(NotFound, match="--hub fakehub:PARTITIONS"):
            hubs.hub("fakehub")


def test_a_port_in_use_is_told(hubs):
    with serve(hubs) as server, pytest.raises(ConfigurationError, match="choose another --port"):
        serve(hubs, port=server.port)
