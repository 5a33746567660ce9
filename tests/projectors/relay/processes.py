"""The relay and the hub as processes, to be killed.

python -m tests.projectors.relay.processes hub FOLDER PORT
python -m tests.projectors.relay.processes relay COSMOS_ENDPOINT HUB_CONNECTION_STRING
python -m tests.projectors.relay.processes reader COSMOS_ENDPOINT HUB_CONNECTION_STRING FILE
"""

import subprocess
import sys
import threading
from pathlib import Path

from azure.eventhub import EventData, EventHubConsumerClient, PartitionContext

from eventstore.cosmos.client import connect
from eventstore.cosmos.containers import LEASES
from eventstore.cosmos.settings import CosmosSettings
from localazure.eventhubs import LocalEventHubs, run_server
from projectors.processor.worker import Worker
from projectors.relay import CosmosCheckpointStore, EventHubPublisher, EventHubsSettings, relay
from projectors.settings import WorkerSettings

HUB = "ledger-events"


def start(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.projectors.relay.processes", *arguments])


def _hub(folder: str, port: str) -> None:
    run_server(LocalEventHubs(Path(folder), hubs={HUB: 2}), "127.0.0.1", int(port))


def _relay(endpoint: str, connection_string: str) -> None:
    client = connect(CosmosSettings(endpoint=endpoint))
    settings = EventHubsSettings(connection_string=connection_string, hub=HUB)
    publisher = EventHubPublisher(settings.producer(), source="urn:tidemark:tidemark")
    Worker(client, "tidemark", [relay(publisher)], views=(), settings=WorkerSettings(lease=2, refresh=0.3)).run(
        threading.Event()
    )


def _reader(endpoint: str, connection_string: str, file: str) -> None:
    """Notes each message as `partition sequence-number`, then moves its checkpoint: at least once."""
    leases = (
        connect(CosmosSettings(endpoint=endpoint)).get_database_client("tidemark").get_container_client(LEASES.name)
    )
    client = EventHubConsumerClient.from_connection_string(
        connection_string,
        "$Default",
        eventhub_name=HUB,
        checkpoint_store=CosmosCheckpointStore(leases),
        load_balancing_interval=1,
        partition_ownership_expiration_interval=5,
    )
    with Path(file).open("a", buffering=1) as notes:

        def on_batch(context: PartitionContext, batch: list[EventData]) -> None:
            for message in batch:
                notes.write(f"{context.partition_id} {message.sequence_number}\n")
            if batch:
                context.update_checkpoint(batch[-1])

        client.receive_batch(on_event_batch=on_batch, max_batch_size=20, starting_position="-1")


if __name__ == "__main__":
    {"hub": _hub, "relay": _relay, "reader": _reader}[sys.argv[1]](*sys.argv[2:])
