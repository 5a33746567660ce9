"""What Cosmos DB charges, as OpenTelemetry metrics: request units and answers by operation, container and status.

Conflicts (409, 412) and throttling (429) are statuses here. Attribute names follow the semantic conventions for
databases (https://opentelemetry.io/docs/specs/semconv/database/cosmosdb/).
"""

from typing import Any

from azure.cosmos import CosmosClient
from opentelemetry import metrics

from eventstore.cosmos.client import connect
from eventstore.cosmos.settings import CosmosSettings

__all__ = ["ChargeMetrics", "connect_metered"]

_meter = metrics.get_meter("tidemark.functions")
_charges = _meter.create_histogram(
    "azure.cosmosdb.client.operation.request_charge", unit="{request_unit}", description="per answered request"
)
_COLLECTIONS = "colls"


def connect_metered(settings: CosmosSettings) -> CosmosClient:
    """A client whose every answer is booked."""
    return connect(settings, observer=ChargeMetrics())


class ChargeMetrics:
    """Books every answer, those too that the SDK keeps to itself."""

    def before(self, _: Any) -> None:
        """Nothing is known yet."""

    def after(self, request: Any, response: Any | None, _: None) -> None:
        """Requests that were not answered are not booked: what they cost is not known."""
        if response is None:
            return
        attributes: dict[str, str | int] = {
            "db.system.name": "azure.cosmosdb",
            "http.request.method": request.method,
            "db.response.status_code": response.status_code,
        }
        container = _container(request.url)
        if container is not None:
            attributes["db.collection.name"] = container
        _charges.record(float(response.headers.get("x-ms-request-charge") or 0), attributes)


def _container(url: str) -> str | None:
    """`events` of https://host/dbs/tidemark/colls/events/docs."""
    parts = url.split("/")
    try:
        return parts[parts.index(_COLLECTIONS) + 1]
    except (ValueError, IndexError):
        return None
