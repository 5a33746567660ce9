"""What Cosmos DB charges, as OpenTelemetry metrics: request units and answers by operation, container and status.

Conflicts (409, 412) and throttling (429) are statuses here. Attribute names follow the semantic conventions for
databases (https://opentelemetry.io/docs/specs/semconv/database/cosmosdb/).
"""

from typing import Any

from azure.core.pipeline import PipelineResponse
from azure.cosmos import CosmosClient
from opentelemetry import metrics

from eventstore.client import connect
from eventstore.settings import CosmosSettings

__all__ = ["book", "connect_metered"]

_meter = metrics.get_meter("tidemark.functions")
_charges = _meter.create_histogram(
    "azure.cosmosdb.client.operation.request_charge", unit="{request_unit}", description="per answered request"
)
_COLLECTIONS = "colls"


def connect_metered(settings: CosmosSettings) -> CosmosClient:
    """A client whose every answer is booked."""
    return connect(settings, raw_response_hook=book)


def book(response: PipelineResponse[Any, Any]) -> None:
    """Book one answer; azure-core calls it for each."""
    answer = response.http_response
    attributes: dict[str, str | int] = {
        "db.system.name": "azure.cosmosdb",
        "http.request.method": response.http_request.method,
        "db.response.status_code": answer.status_code,
    }
    container = _container(response.http_request.url)
    if container is not None:
        attributes["db.collection.name"] = container
    _charges.record(float(answer.headers.get("x-ms-request-charge") or 0), attributes)


def _container(url: str) -> str | None:
    """`events` of https://host/dbs/tidemark/colls/events/docs."""
    parts = url.split("/")
    try:
        return parts[parts.index(_COLLECTIONS) + 1]
    except (ValueError, IndexError):
        return None
