"""How Tidemark opens the real SDK's client: a pool for many threads, short time-outs, few nested retries."""

from typing import Any

import requests
from azure.core.credentials import TokenCredential
from azure.core.pipeline.transport import HttpTransport, RequestsTransport
from azure.cosmos import CosmosClient
from azure.identity import DefaultAzureCredential
from requests.adapters import HTTPAdapter

from eventstore.cosmos.observer import ObservedTransport, Observer
from eventstore.cosmos.routing import bound_refreshes
from eventstore.cosmos.sessions import forgiving_sessions
from eventstore.cosmos.settings import CosmosSettings

_THROTTLE_RETRIES = 2
"""The SDK multiplies its own retries with those of the layers below: 9 by default become 100 requests for one call."""


def connect(
    settings: CosmosSettings,
    *,
    transport: HttpTransport[Any, Any] | None = None,
    observer: Observer | None = None,
    **options: Any,
) -> CosmosClient:
    """A client for `settings`, for all threads of a process. `transport` replaces HTTP, `options` those set here.
    `observer` is told of every request that is sent.

    Opening it reads the account: an address where nothing answers shows here. Writes carry no time limit of their own
    (`timeout=`), for that limit raises although the write was accepted; the socket's limits apply.
    """
    wire = transport or pooled(settings.pool_size)
    chosen: dict[str, Any] = {
        "transport": wire if observer is None else ObservedTransport(wire, observer),
        "connection_timeout": settings.connection_timeout,
        "read_timeout": settings.read_timeout,
        "retry_throttle_total": _THROTTLE_RETRIES,
        "no_response_on_write": True,
        "enable_compact_utf8_item_writes": True,
        "user_agent_suffix": "tidemark",
    }
    return mended(CosmosClient(settings.endpoint, _credential(settings), **(chosen | options)))


def mended(client: CosmosClient) -> CosmosClient:
    """The client without what keeps a thread of the SDK waiting for itself, or hides a refusal from its caller."""
    return forgiving_sessions(bound_refreshes(client))


def _credential(settings: CosmosSettings) -> str | TokenCredential:
    return settings.account_key or DefaultAzureCredential()


def pooled(size: int) -> HttpTransport[Any, Any]:
    """Without `trust_env` requests does not look for proxies and .netrc at every call, a tenth of its time."""
    session = requests.Session()
    session.trust_env = False
    adapter = HTTPAdapter(pool_connections=size, pool_maxsize=size)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    transport: HttpTransport[Any, Any] = RequestsTransport(session=session, session_owner=False)
    return transport
