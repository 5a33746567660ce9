"""The SDK's session tokens: forgotten twice without harm.

A read that every replica refuses because it lags (404/1002) ends with azure-cosmos 4.17.1 forgetting the container's
session token (`SessionContainer.clear_session_token`). Where there is none - another thread was refused at the same
time, or nothing was written yet - it raises KeyError in place of the refusal. Here it forgets nothing then.
"""

from typing import Any

from azure.cosmos import CosmosClient


def forgiving_sessions(client: CosmosClient) -> CosmosClient:
    """The client, whose refused reads end as what they are."""
    connection: Any = client.client_connection
    sessions = connection.session.session_container
    forget = sessions.clear_session_token

    def clear_session_token(headers: Any) -> None:
        try:
            forget(headers)
        except KeyError:
            return

    sessions.clear_session_token = clear_session_token
    return client
