"""A local Event Hubs namespace that speaks AMQP 1.0 with azure-eventhub, persisted in SQLite.

hubs = LocalEventHubs(Path(".tidemark"), hubs={"ledger-events": 4})
with serve(hubs) as server:
    EventHubProducerClient.from_connection_string(server.connection_string("ledger-events"))
"""

from localazure.eventhubs.errors import ConfigurationError
from localazure.eventhubs.faults import Fault, FaultKind, Faults
from localazure.eventhubs.hubs.stored_event import StoredEvent
from localazure.eventhubs.local import EMULATOR_KEYS, LocalEventHubs, Retention
from localazure.eventhubs.server import DEFAULT_PORT, RunningServer, run_server, serve

__all__ = [
    "DEFAULT_PORT",
    "EMULATOR_KEYS",
    "ConfigurationError",
    "Fault",
    "FaultKind",
    "Faults",
    "LocalEventHubs",
    "Retention",
    "RunningServer",
    "StoredEvent",
    "run_server",
    "serve",
]
