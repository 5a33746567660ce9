"""What the server answers when it refuses.

    CosmosError                   any refusal: HTTP status, sub-status, code, message
    |- BadRequest        400
    |- Forbidden         401 / 403
    |- NotFound          404      sub-status 1003 when the owner is missing, 1002 when a session is ahead of the server
    |- Conflict          409
    |- Gone              410      sub-status 1002: the partition key range was split
    |- PreconditionFailed 412
    `- TooLarge          413

Codes and sub-statuses: https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb
"""

from __future__ import annotations

from localazure.cosmos.protocol.message import Response, json_bytes

OWNER_MISSING = 1003
SESSION_NOT_AVAILABLE = 1002
RANGE_GONE = 1002
KEY_MISMATCH = 1001
PLAN_NEEDED = 1004
COLLECTION_RID_MISMATCH = 1024


class CosmosError(Exception):
    """A refusal on its way to the client; `response()` is its form on the wire."""

    status = 500
    code = "InternalServerError"

    def __init__(
        self,
        message: str,
        *,
        sub_status: int = 0,
        status: int | None = None,
        code: str | None = None,
        headers: dict[str, str] | None = None,
        info: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.sub_status = sub_status
        self.headers = headers or {}
        self.info = info
        self.status = status if status is not None else type(self).status
        self.code = code if code is not None else type(self).code

    def response(self) -> Response:
        """The refusal as an HTTP answer with the service's `{code, message}` body."""
        headers = dict(self.headers)
        if self.sub_status:
            headers["x-ms-substatus"] = str(self.sub_status)
        body = {"code": self.code, "message": self.message}
        if self.info:
            body["additionalErrorInfo"] = self.info
        return Response(self.status, json_bytes(body), headers)


class BadRequest(CosmosError):
    """The request itself is wrong."""

    status = 400
    code = "BadRequest"


class Unauthorized(CosmosError):
    """The signature does not fit the request and the account's key."""

    status = 401
    code = "Unauthorized"


class Forbidden(CosmosError):
    """The request is understood and not allowed."""

    status = 403
    code = "Forbidden"


class NotFound(CosmosError):
    """Nothing there under this name."""

    status = 404
    code = "NotFound"


class MethodNotAllowed(CosmosError):
    """The resource exists, the verb does not fit it."""

    status = 405
    code = "MethodNotAllowed"


class Conflict(CosmosError):
    """The id, or a unique key, is taken."""

    status = 409
    code = "Conflict"


class Gone(CosmosError):
    """The addressed physical partition was split."""

    status = 410
    code = "Gone"


class PreconditionFailed(CosmosError):
    """If-Match names another version than the stored one."""

    status = 412
    code = "PreconditionFailed"


class TooLarge(CosmosError):
    """Above the size limit of an item, a request or a response."""

    status = 413
    code = "RequestEntityTooLarge"
