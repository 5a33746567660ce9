"""Replicas that lag: what the refusal of one says.

An item that is not there is answered with 404; so is a session that has seen more than the replica, with sub-status
1002 (https://learn.microsoft.com/azure/cosmos-db/troubleshoot-not-found). The second says nothing of the item.
"""

from typing import Final

from azure.core.exceptions import AzureError, HttpResponseError
from azure.cosmos.exceptions import CosmosBatchOperationError

SESSION: Final = "x-ms-session-token"
_SUB_STATUS: Final = "x-ms-substatus"
_BEHIND: Final = "1002"


def is_behind(error: AzureError) -> bool:
    """Whether a 404 says that the replica lags behind the session, rather than that the item is absent."""
    status = error.status_code if isinstance(error, HttpResponseError | CosmosBatchOperationError) else None
    headers = getattr(error, "headers", None) or {}
    return status == 404 and str(headers.get(_SUB_STATUS) or getattr(error, "sub_status", "")) == _BEHIND


def session_of(error: AzureError) -> str:
    """The session token that came with a refusal: it has seen what the refusal was for."""
    headers = getattr(error, "headers", None) or {}
    return str(headers.get(SESSION, ""))
