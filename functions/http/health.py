"""Health: whether the process runs, and whether it can serve."""

from collections.abc import Callable
from typing import Literal

import orjson
from azure.core.exceptions import AzureError
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from eventstore.errors import StoreError
from functions.http.dependencies import Injected
from projectors.errors import ProjectionError

__all__ = ["router"]

router = APIRouter(prefix="/health", tags=["health"])

_NOBODY = "~ready"  # no category is called so


class Live(BaseModel):
    """`hanging` names what has been running for more than a minute."""

    status: Literal["ok", "hangs"] = "ok"
    hanging: list[str] = []


class Ready(BaseModel):
    """`checks` names what was looked at, and what is wrong with it."""

    status: Literal["ok", "not ready"]
    checks: dict[str, str]


@router.get("/live", response_model=Live, responses={503: {"model": Live}})
async def live(services: Injected) -> Response:
    """The process runs, and no request hangs in it: where one does, only a restart frees what it holds."""
    hanging = services.requests.hanging
    found = Live(status="hangs" if hanging else "ok", hanging=hanging)
    return Response(found.model_dump_json(), 503 if hanging else 200, media_type="application/json")


@router.get("/ready", response_model=Ready, responses={503: {"model": Ready}})
def ready(services: Injected) -> Response:
    """The log and the views can be read; else which of them cannot."""
    checks = {
        "log": _check(lambda: services.store.load(_NOBODY)),
        "views": _check(services.views.check),
    }
    ok = all(result == "ok" for result in checks.values())
    body = {"status": "ok" if ok else "not ready", "checks": checks}
    return Response(orjson.dumps(body), 200 if ok else 503, media_type="application/json")


def _check(read: Callable[[], object]) -> str:
    try:
        read()
    except (AzureError, StoreError, ProjectionError) as error:
        return str(error).splitlines()[0]
    return "ok"
