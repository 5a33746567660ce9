"""Who reads the audit trail: the role it takes, and a line in the log for each look.

The line says who, what and when; it goes where all log lines go, so whoever keeps those keeps these. Query strings
are in it, other than in any other line, because what was looked at is what the line is for: streams, versions, times
and correlations, all of them pseudonymous.
"""

import logging
from typing import Annotated, Any

from fastapi import Depends, Request

from functions.http.auth import Principal, require

__all__ = ["audited"]

_log = logging.getLogger("tidemark.audit")


async def _record(request: Request, _: Annotated[None, require("audit")]) -> None:
    principal: Principal = request.state.principal
    what = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    read = {"actor": principal.actor, "read": what, "method": request.method}
    _log.info("audit read by %s: %s", principal.actor, what, extra={"audit": read})


def audited() -> Any:
    """A dependency for every route of the audit: the app role, and a line that says who read what."""
    return Depends(_record)
