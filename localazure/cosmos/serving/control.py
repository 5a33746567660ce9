"""The control endpoint: faults, log and splits of a running server, without a signature, on the loopback interface.

POST   /_control/faults     {"status": 429, "operation": "create", "count": 3}      add a rule; fields as in `Fault`
GET    /_control/faults                                                             the rules and how often they fired
DELETE /_control/faults                                                             remove all rules
POST   /_control/split      {"database": "db", "container": "c", "range": "0"}      split now (range is optional)
GET    /_control/log                                                                the kept requests, oldest first
DELETE /_control/log                                                                forget them
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson

from localazure.cosmos.faults import Fault
from localazure.cosmos.protocol.errors import BadRequest, CosmosError, NotFound
from localazure.cosmos.protocol.message import Request, Response, json_bytes

if TYPE_CHECKING:
    from localazure.cosmos.local import LocalCosmos

CONTROL_PATH = "/_control/"


class Control:
    """Answers requests to the control endpoint."""

    def __init__(self, cosmos: LocalCosmos) -> None:
        self._cosmos = cosmos
        self._actions: dict[tuple[str, str], Callable[[dict[str, Any]], Any]] = {
            ("POST", "faults"): self._add_fault,
            ("GET", "faults"): self._list_faults,
            ("DELETE", "faults"): lambda _: cosmos.faults.clear(),
            ("POST", "split"): self._split,
            ("GET", "log"): lambda _: cosmos.log.as_json(),
            ("DELETE", "log"): lambda _: cosmos.log.clear(),
        }

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        try:
            action = self._actions.get((request.method, request.path.removeprefix(CONTROL_PATH).strip("/")))
            if action is None:
                raise NotFound(
                    f"{request.method} {request.path} is not a control; see localazure/cosmos/serving/control.py."
                )
            answer = action(_body(request))
        except CosmosError as error:
            return error.response()
        headers = {"content-type": "application/json"}
        return Response(204) if answer is None else Response(200, json_bytes(answer), headers)

    def _add_fault(self, body: dict[str, Any]) -> dict[str, Any]:
        try:
            return _describe(self._cosmos.faults.add(**body))
        except (TypeError, ValueError) as error:
            raise BadRequest(f"The fault is invalid: {error}") from error

    def _list_faults(self, _: dict[str, Any]) -> list[dict[str, Any]]:
        return [_describe(fault) for fault in self._cosmos.faults.rules()]

    def _split(self, body: dict[str, Any]) -> dict[str, Any]:
        for name in ("database", "container"):
            if name not in body:
                raise BadRequest(f"A split needs a '{name}'.")
        return {"ranges": self._cosmos.split(body["database"], body["container"], body.get("range"))}


def _describe(fault: Fault) -> dict[str, Any]:
    return {name: value for name, value in asdict(fault).items() if not name.startswith("_")}


def _body(request: Request) -> dict[str, Any]:
    if not request.body:
        return {}
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The request body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise BadRequest("The request body must be a JSON object.")
    return body
