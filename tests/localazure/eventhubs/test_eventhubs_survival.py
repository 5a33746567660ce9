"""A server process is killed under load, again and again: what was acknowledged is there, whole, once numbered."""

import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient
from azure.eventhub.exceptions import EventHubError

from localazure.eventhubs import LocalEventHubs
from tests.localazure.eventhubs.eventhubs_wire import body_of

SERVER = """
import sys
from pathlib import Path
from localazure.eventhubs import LocalEventHubs, run_server

with LocalEventHubs(Path(sys.argv[1]), hubs={"orders": 2}) as hubs:
    run_server(hubs, port=0, ready=lambda connection: print(connection, flush=True))
"""
KILLS = 3
BATCH = 10
ACKNOWLEDGED_PER_LIFE = 40


class Process:
    """A server process of its own and its connection string."""

    def __init__(self, data: Path) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", SERVER, str(data)], stdout=subprocess.PIPE, text=True)
        self.connection = self.process.stdout.readline().strip()
        assert self.connection, "the server did not start"

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.process.stdout.close()


class Sender(threading.Thread):
    """Sends batches to one partition until the server is gone; remembers which were acknowledged."""

    def __init__(self, server: Process, partition: str, life: int, enough: threading.Event) -> None:
        super().__init__()
        self._client = EventHubProducerClient.from_connection_string(
            server.connection, eventhub_name="orders", retry_total=0
        )
        self._partition, self._life, self._enough = partition, life, enough
        self.acknowledged: list[str] = []
        self.failure: EventHubError | None = None

    def run(self) -> None:
        number = 0
        while self.failure is None:
            name = f"{self._life}-{self._partition}-{number}"
            number += 1
            try:
                self._client.send_batch(
                    [EventData(f"{name}/{place}") for place in range(BATCH)], partition_id=self._partition
                )
            except EventHubError as gone:
                self.failure = gone
            else:
                self.acknowledged.append(name)
                if len(self.acknowledged) >= ACKNOWLEDGED_PER_LIFE:
                    self._enough.set()


def one_life(data: Path, life: int) -> tuple[list[str], dict[tuple[str, int], str]]:
    """Starts the server, kills it under load: the acknowledged batches, and what a reader saw meanwhile by number."""
    server, enough = Process(data), threading.Event()
    senders = [Sender(server, partition, life, enough) for partition in "01"]
    reader = EventHubConsumerClient.from_connection_string(
        server.connection, "$Default", eventhub_name="orders", retry_total=0, load_balancing_interval=0.2
    )
    seen: dict[tuple[str, int], str] = {}

    def on_event(context, event) -> None:
        seen[context.partition_id, event.sequence_number] = event.body_as_str()

    reading = threading.Thread(target=reader.receive, args=(on_event,), kwargs={"starting_position": "-1"})
    for thread in (*senders, reading):
        thread.start()
    assert enough.wait(60), "the senders got nothing acknowledged"
    server.kill()
    for sender in senders:
        sender.join(60)
        assert sender.failure is not None
    reader.close()
    reading.join(30)
    return [name for sender in senders for name in sender.acknowledged], seen


def test_acknowledged_batches_survive_sigkill_whole_and_no_number_is_given_twice(tmp_path):
    acknowledged: list[str] = []
    seen: dict[tuple[str, int], str] = {}
    for life in range(KILLS):
        names, read = one_life(tmp_path, life)
        acknowledged += names
        for place, body in read.items():
            assert seen.setdefault(place, body) == body, f"{place} was {seen[place]} before a kill and {body} after it"

    with LocalEventHubs(tmp_path) as hubs:
        stored = {
            (str(partition.number), number): body_of(raw)
            for partition in hubs.hub("orders").partitions
            for number, raw in partition.read(0, 1_000_000)
        }

    for partition in "01":
        numbers = sorted(number for where, number in stored if where == partition)
        assert numbers == list(range(len(numbers)))
    assert {place: stored[place] for place in seen} == seen
    sizes = Counter(body.partition("/")[0] for body in stored.values())
    assert set(sizes.values()) == {BATCH}, "a batch was stored in part, or twice"
    assert set(acknowledged) <= set(sizes), "an acknowledged batch is lost"
    assert len(acknowledged) >= KILLS * ACKNOWLEDGED_PER_LIFE
