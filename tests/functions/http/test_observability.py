"""Traces from HTTP to the event, metrics of requests and request units, log lines as JSON without personal data."""

import json
import logging
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import httpx
import pytest
from azure.cosmos import CosmosClient
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from eventstore.cosmos.client import connect
from eventstore.cosmos.containers import create_containers
from eventstore.cosmos.settings import CosmosSettings
from eventstore.environment import load
from functions.composition import build_services
from functions.hosting import exporters, local, metering
from functions.hosting.logs import JsonFormatter
from functions.http import telemetry
from functions.http.dependencies import Dependencies
from functions.settings import Settings
from localazure.cosmos import LocalCosmos
from projectors import tracing
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.views.reader import ViewReader
from service import SERVICE
from tests.functions.conftest import Ledger
from tests.support.asgi import AsgiThread

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    for module in (telemetry, tracing):
        monkeypatch.setattr(module, "_tracer", provider.get_tracer("test"))
    return exporter


@pytest.fixture
def reader() -> InMemoryMetricReader:
    return InMemoryMetricReader()


def points(reader: InMemoryMetricReader, name: str) -> list[dict[str, object]]:
    data = reader.get_metrics_data()
    assert data is not None
    return [
        {"sum": point.sum, "count": point.count, **dict(point.attributes or {})}  # type: ignore[union-attr]
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == name
        for point in metric.data.data_points
    ]


def test_a_request_is_a_span_of_the_callers_trace_and_the_event_is_its_child(
    services: Dependencies, ledger: Ledger, spans: InMemorySpanExporter
) -> None:
    ledger.open("alice")
    ledger.post("/accounts/alice/deposits", {"amount": 5}, traceparent=PARENT)
    span = spans.get_finished_spans()[-1]
    assert span.name == "POST /accounts/{account_id}/deposits"
    assert f"{span.context.trace_id:032x}" == PARENT.split("-")[1]
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == PARENT.split("-")[2]
    kept = list(services.history.stream("account-alice"))[-1].meta["traceparent"]
    assert kept == f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-01"


def test_what_a_view_applies_is_linked_to_the_request_that_asked_for_it(
    ledger: Ledger, spans: InMemorySpanExporter, worker: Worker
) -> None:
    ledger.open("alice")
    ledger.post("/accounts/alice/deposits", {"amount": 5}, traceparent=PARENT)
    request = spans.get_finished_spans()[-1].context
    worker.run_until_idle(30)
    applied = {span.name: span for span in spans.get_finished_spans() if span.name.startswith("apply ")}
    assert {"apply account-summary@1", "apply statement@1", "apply transfers"} <= applied.keys()
    for span in applied.values():
        assert (span.attributes or {})["events"] == 2
        assert [link.context.trace_id for link in span.links].count(request.trace_id) == 1
        assert request.span_id in [link.context.span_id for link in span.links]


def test_with_an_sdk_a_request_is_one_span_and_one_duration_without_ids_or_query() -> None:
    """In a process of its own, for the SDK's providers are set once per process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        spans, durations, bounds = process.submit(with_an_sdk).result()
    assert [name for name, _ in spans] == ["GET /accounts/{account_id}"]
    assert "alice" not in str(spans)
    assert durations == 1
    assert 0 < bounds[0] < 0.01


def with_an_sdk() -> tuple[list[tuple[str, str]], int, list[float]]:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    traces = TracerProvider()
    traces.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(traces)
    metrics.set_meter_provider(MeterProvider([reader]))
    with LocalCosmos() as cosmos:
        create_containers(cosmos.client(), "tidemark", VIEWS.indexed)
        services = build_services(SERVICE, load(Settings, auth="none"), cosmos.client(), "tidemark")
        with httpx.Client(
            transport=AsgiThread(local.create_app(SERVICE, services)), base_url="http://localhost"
        ) as api:
            api.get("/accounts/alice?wait_ms=0")
    data = reader.get_metrics_data()
    assert data is not None
    found = [
        point
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "http.server.request.duration"
        for point in metric.data.data_points
    ]
    seen = [(span.name, str(dict(span.attributes or {}))) for span in exporter.get_finished_spans()]
    return seen, sum(point.count for point in found), list(found[0].explicit_bounds)  # type: ignore[union-attr]


def test_ids_do_not_become_names(api: httpx.Client, spans: InMemorySpanExporter) -> None:
    api.get("/accounts/alice?wait_ms=0")
    api.get("/nowhere/alice")
    names = [span.name for span in spans.get_finished_spans()]
    assert names == ["GET /accounts/{account_id}", "GET (none)"]


def test_durations_are_measured_by_route_and_status(
    api: httpx.Client, reader: InMemoryMetricReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = MeterProvider([reader]).get_meter("test")
    monkeypatch.setattr(telemetry, "_durations", meter.create_histogram("http.server.request.duration"))
    api.get("/accounts/alice?wait_ms=0")
    (point,) = points(reader, "http.server.request.duration")
    assert (point["http.route"], point["http.response.status_code"]) == ("/accounts/{account_id}", 404)


@pytest.fixture
def metered(cosmos: LocalCosmos, reader: InMemoryMetricReader, monkeypatch: pytest.MonkeyPatch) -> CosmosClient:
    """A client whose charges go to the reader, as `charge`."""
    meter = MeterProvider([reader]).get_meter("test")
    monkeypatch.setattr(metering, "_charges", meter.create_histogram("charge"))
    settings = CosmosSettings(endpoint=cosmos.endpoint, key=cosmos.key)
    return connect(settings, transport=cosmos.transport(), observer=metering.ChargeMetrics())


def test_request_units_are_measured_by_container_and_status(
    metered: CosmosClient, database: str, reader: InMemoryMetricReader
) -> None:
    events = metered.get_database_client(database).get_container_client("events")
    events.create_item({"id": "1", "streamId": "s", "commandId": "c"})
    created = [point for point in points(reader, "charge") if point["db.response.status_code"] == 201]
    assert [(point["db.collection.name"], point["count"]) for point in created] == [("events", 1)]
    assert float(str(created[0]["sum"])) > 0


def test_requests_of_views_are_measured_too(
    metered: CosmosClient, cosmos: LocalCosmos, database: str, reader: InMemoryMetricReader
) -> None:
    cosmos.log.clear()
    assert ViewReader(metered, database, VIEWS).get("account-summary", "account-nobody").data is None
    answered = [entry for entry in cosmos.log.filter(container="views") if entry.operation in ("read", "query")]
    measured = [point for point in points(reader, "charge") if point.get("db.collection.name") == "views"]
    assert answered
    assert sum(int(str(point["count"])) for point in measured) >= len(answered)


def test_a_log_line_is_one_json_object_with_its_error() -> None:
    error = (ValueError, ValueError("wrong"), None)
    record = logging.LogRecord("tidemark", logging.ERROR, "", 0, "it was %s", ("bad",), error)
    line = json.loads(JsonFormatter().format(record))
    assert (line["level"], line["message"], line["error"]) == ("ERROR", "it was bad", "ValueError")
    assert "ValueError: wrong" in line["traceback"]


def test_a_failed_request_is_logged_without_its_body(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, services: Dependencies, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(type(services.store), "execute", fail)
    body = {"account_id": "alice", "asset": "EUR/2", "name": "Alice Example"}
    assert ledger.post("/accounts", body).status_code == 500
    assert "unexpected failure in POST /accounts" in caplog.text
    assert "Alice Example" not in caplog.text


def test_nothing_is_exported_unless_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv(exporters.VARIABLE, raising=False)
    assert not exporters.configure_telemetry("queries")
    monkeypatch.setenv(exporters.VARIABLE, "InstrumentationKey=0")
    monkeypatch.setattr(exporters, "_EXPORTER", "no_such_module")
    assert not exporters.configure_telemetry("queries")
    assert "tidemark-ledger[monitor]" in caplog.text
