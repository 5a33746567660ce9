"""Whether `tidemark replay rebuild --max-ru` keeps to its limit, and how much of it is used.

    python -m bench.replay.limit [--events 3000] [--accounts 300]

This process has the local server, whose log of requests tells what each second cost, wherever it begins; the commands
run as processes of their own over HTTP.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from bench.projectors.log import DATABASE, Log
from eventstore.cosmos.containers import create_containers
from localazure.cosmos import LocalCosmos, serve
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings

RUNS = (("account-summary", 300, 1), ("active-holds", 300, 1), ("account-summary", 300, 2), ("statement", 1000, 1))
PARTITIONS = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=3_000)
    parser.add_argument("--accounts", type=int, default=300)
    arguments = parser.parse_args()
    with LocalCosmos(partitions=PARTITIONS) as cosmos:
        client = cosmos.client()
        create_containers(client, DATABASE, VIEWS.indexed)
        log = Log(
            client.get_database_client(DATABASE).get_container_client("events"), arguments.accounts, per_command=3
        )
        log.grow(arguments.events)
        Worker(client, DATABASE, settings=WorkerSettings(page=1000), views=VIEWS.values()).run_until_idle(300)
        server = serve(cosmos)
        environment = os.environ | {"COSMOS_ENDPOINT": server.endpoint, "COSMOS_KEY": cosmos.key}
        print(
            "| view | limit, RU/s | processes | request units | dearest second | used |\n|---|---:|---:|---:|---:|---:|"
        )
        for view, limit, processes in RUNS:
            cosmos.log.clear()
            options = ["--max-ru", str(limit), "--workers", str(processes)]
            command: list[str | Path] = [Path(sys.executable).parent / "tidemark", "replay", "rebuild", view, *options]
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
            times = [entry.at for entry in cosmos.log]
            used = cosmos.log.charge / (max(times) - min(times)) / limit
            print(
                f"| {view} | {limit:,} | {processes} | {cosmos.log.charge:,.0f} | {cosmos.log.dearest():,.0f} | "
                f"{100 * used:.0f} % |"
            )
        server.close()


if __name__ == "__main__":
    main()
