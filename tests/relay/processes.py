"""The relay and the hub as processes, to be killed.

python -m tests.relay.processes hub FOLDER PORT
python -m tests.relay.processes relay COSMOS_ENDPOINT HUB_CONNECTION_STRING
"""

import subprocess
import sys
import threading
from pathlib import Path

from devkit.eventhubs import LocalEventHubs, run_server
from eventstore.client import connect
from eventstore.settings import CosmosSettings
from projectors.relay import EventHubPublisher, EventHubsSettings, relay
from projectors.settings import WorkerSettings
from projectors.worker import Worker

HUB = "ledger-events"


def start(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.relay.processes", *arguments])


def _hub(folder: str, port: str) -> None:
    run_server(LocalEventHubs(Path(folder), hubs={HUB: 2}), "127.0.0.1", int(port))


def _relay(endpoint: str, connection_string: str) -> None:
    client = connect(CosmosSettings(endpoint=endpoint))
    settings = EventHubsSettings(connection_string=connection_string, hub=HUB)
    publisher = EventHubPublisher(settings.producer(), source="urn:tidemark:tidemark")
    Worker(client, "tidemark", [relay(publisher)], views=(), settings=WorkerSettings(lease=2, refresh=0.3)).run(
        threading.Event()
    )


if __name__ == "__main__":
    {"hub": _hub, "relay": _relay}[sys.argv[1]](*sys.argv[2:])
