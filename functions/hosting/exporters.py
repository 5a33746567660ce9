"""Where traces and metrics go: Azure Monitor, when its connection string is set and the extra is installed.

    APPLICATIONINSIGHTS_CONNECTION_STRING   of the Application Insights resource; without it nothing is exported
    pip install "tidemark-ledger[monitor]"  brings the exporter

With another backend, configure the OpenTelemetry SDK's providers before the app starts; all instruments are the API's.
"""

import importlib
import logging
import os
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

__all__ = ["VARIABLE", "configure_telemetry"]

VARIABLE = "APPLICATIONINSIGHTS_CONNECTION_STRING"
_EXPORTER = "azure.monitor.opentelemetry.exporter"

_log = logging.getLogger(__name__)


def configure_telemetry(service: str) -> bool:
    """Export as the environment says, under the name `service`; whether anything is exported."""
    address = os.environ.get(VARIABLE)
    if not address:
        return False
    try:
        monitor: Any = importlib.import_module(_EXPORTER)
    except ImportError:
        _log.warning("%s is set, but the exporter is missing: pip install 'tidemark-ledger[monitor]'", VARIABLE)
        return False
    resource = Resource.create({"service.name": service, "service.namespace": "tidemark"})
    traces = TracerProvider(resource=resource)
    traces.add_span_processor(BatchSpanProcessor(monitor.AzureMonitorTraceExporter(connection_string=address)))
    trace.set_tracer_provider(traces)
    reader = PeriodicExportingMetricReader(monitor.AzureMonitorMetricExporter(connection_string=address))
    metrics.set_meter_provider(MeterProvider([reader], resource=resource))
    return True
