"""A local Event Hubs namespace that speaks AMQP 1.0 with azure-eventhub, persisted in SQLite.

hubs = LocalEventHubs(Path(".tidemark"), hubs={"ledger-events": 4})
with serve(hubs) as server:
    EventHubProducerClient.from_connection_string(server.connection_string("ledger-events"))
"""

from devkit.eventhubs.errors import ConfigurationError, EventHubsError
from devkit.eventhubs.faults import Fault, FaultKind, Faults
from devkit.eventhubs.local import EMULATOR_KEYS, LocalEventHubs, Retention
from devkit.eventhubs.server import DEFAULT_PORT, RunningServer, run_server, serve

__all__ = [
    "DEFAULT_PORT",
    "EMULATOR_KEYS",
    "ConfigurationError",
    "EventHubsError",
    "Fault",
    "FaultKind",
    "Faults",
    "LocalEventHubs",
    "Retention",
    "RunningServer",
    "run_server",
    "serve",
]
