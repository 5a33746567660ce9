"""A local Cosmos DB (NoSQL) account that speaks the service's REST protocol: in process, or over HTTP.

from localazure.cosmos import LocalCosmos, serve

with LocalCosmos() as cosmos:
    database = cosmos.client().create_database("ledger")        # the real SDK, no socket
    server = serve(cosmos)                                      # the same account over HTTP
    print(server.endpoint)                                      # http://127.0.0.1:<port>/
"""

from localazure.cosmos.faults import Fault, Faults, RequestInfo
from localazure.cosmos.local import LocalCosmos
from localazure.cosmos.log import Entry, RequestLog
from localazure.cosmos.protocol.auth import EMULATOR_KEY
from localazure.cosmos.serving.server import RunningServer, run_server, serve

__all__ = [
    "EMULATOR_KEY",
    "Entry",
    "Fault",
    "Faults",
    "LocalCosmos",
    "RequestInfo",
    "RequestLog",
    "RunningServer",
    "run_server",
    "serve",
]
