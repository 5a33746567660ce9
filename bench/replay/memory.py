"""How much memory a rebuild takes, in a process of its own, and whether it grows with the log.

    python -m bench.replay.memory [--events 1000000] [--accounts 2000] [--view account-summary]

This process has the local server and the log; a child process has nothing but the rebuild, over HTTP. The child tells
its resident memory at every tenth of the way, and its peak at the end, the comparison included.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.projectors.log import DATABASE, Log
from eventstore.cosmos.containers import create_containers
from localazure.cosmos import LocalCosmos, serve
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings

MOST_MB = 300
EVENTS_PER_COMMAND = 50
CHILD = f"""
import resource, sys
from eventstore.cosmos.client import connect
from eventstore.cosmos.settings import CosmosSettings
from replay.rebuild.rebuild import rebuild

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 2**20

def peak():  # not ru_maxrss: that begins with the memory of the process that started this one
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))

seen = 0
def tell(progress):
    global seen
    tenth = progress.events * 10 // max(1, progress.total)
    if tenth > seen:
        seen = tenth
        print(f"| {{progress.events:,}} | {{resident():,.0f}} | {{peak():,.0f}} |", flush=True)

client = connect(CosmosSettings(endpoint=sys.argv[1]))
print(f"| at the start | {{resident():,.0f}} | {{peak():,.0f}} |", flush=True)
built = rebuild(client, "{DATABASE}", sys.argv[2], progress=tell)
print(f"| compared and switched | {{resident():,.0f}} | {{peak():,.0f}} |")
print(f"\\n{{built.progress.events:,}} events, {{built.comparison.items:,}} items, {{built.rate:,.0f}} events/s")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--accounts", type=int, default=2_000)
    parser.add_argument("--view", default="account-summary")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, LocalCosmos(Path(folder) / "cosmos.db") as cosmos:
        client = cosmos.client(no_response_on_write=True, consistency_level="Eventual")
        create_containers(client, DATABASE)
        log = Log(
            client.get_database_client(DATABASE).get_container_client("events"),
            arguments.accounts,
            per_command=EVENTS_PER_COMMAND,
        )
        log.grow(arguments.events - arguments.accounts)
        Worker(client, DATABASE, only=[arguments.view], settings=WorkerSettings(parallel=0)).run_until_idle(3600)
        print(f"| {arguments.view}, events applied | resident MB | peak MB |")
        print("|---|---:|---:|", flush=True)
        with serve(cosmos) as server:
            subprocess.run([sys.executable, "-c", CHILD, server.endpoint, arguments.view], check=True)
        print(f"Wanted: a peak of at most {MOST_MB} MB, and the same at every tenth.")


if __name__ == "__main__":
    main()
