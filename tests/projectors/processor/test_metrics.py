"""What an operator watches, read with the OpenTelemetry SDK in a process of its own: its provider is set for good."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

PROGRAM = """
import json
from opentelemetry.metrics import set_meter_provider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
reader = InMemoryMetricReader()
set_meter_provider(MeterProvider([reader]))

from localazure.cosmos import LocalCosmos
from eventstore.cosmos.containers import create_containers
from feeding import Ledger
from projectors import Worker, WorkerSettings

with LocalCosmos() as cosmos:
    client = cosmos.client(no_response_on_write=True, retry_throttle_total=2)
    create_containers(client, "tidemark")
    ledger = Ledger(client.get_database_client("tidemark").get_container_client("events"))
    ledger.open("alice")
    ledger.corrupt("alice")
    cosmos.faults.add(status=429, retry_after_ms=20, container="views", operation="batch", count=20)
    found = {}

    def look():
        for resource in reader.get_metrics_data().resource_metrics:
            for metric in resource.scope_metrics[0].metrics:
                for point in metric.data.data_points:
                    attributes = point.attributes
                    label = attributes.get("consumer") or attributes.get("view") or ""
                    found.setdefault(f"{metric.name} {label}".strip(), []).append(point.value)

    worker = Worker(client, "tidemark", only=["statement"], settings=WorkerSettings(parallel=0, page=1))
    assert worker.run_until_idle(20, progress=look).idle
    look()
    print(json.dumps(found))
"""


def test_events_lag_parks_and_throttling_are_measured() -> None:
    here = Path(__file__).parent
    finished = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        capture_output=True,
        text=True,
        check=False,
        cwd=here.parent.parent,
        env={"PYTHONPATH": f"{here}:{here.parent.parent}", "PATH": ""},
    )
    assert finished.returncode == 0, finished.stderr
    found = json.loads(finished.stdout)
    assert found["tidemark.projector.events statement@1"][-1] == 2
    assert found["tidemark.projector.lag.transactions statement@1"][0] == 1
    assert found["tidemark.projector.lag.transactions statement@1"][-1] == 0
    assert found["tidemark.projector.lag.seconds statement@1"][-1] == 0
    assert found["tidemark.projector.parks statement"][-1] == 1
    assert found["tidemark.projector.throttled"][-1] >= 0.02
