"""One key, one outcome, for ever: whatever became of the clock, the rules, the schemas, the caches and the process."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import FunctionType
from typing import Annotated, Any, get_args

import httpx
import pytest
from azure.cosmos import CosmosClient
from fastapi import APIRouter, Path
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, create_model, field_validator, model_validator

from domain.errors import InvalidId
from domain.ledger import account as accounts_domain
from domain.ledger import transfer as transfers_domain
from domain.ledger.errors import InvalidAmount, ReasonRequired
from eventstore.environment import load
from functions.commands.app import create_commands
from functions.composition import build_services
from functions.http.auth import require
from functions.http.dependencies import Dependencies
from functions.ledger.commands import accounts, holds, transfers
from functions.service import Service
from functions.settings import Settings
from localazure.cosmos import LocalCosmos
from service import SERVICE
from tests.functions.conftest import SettableClock
from tests.support.asgi import AsgiThread

_numbers = itertools.count()
_ROUTERS = (accounts.router, holds.router, transfers.router)

EXPIRY = "2026-03-01T14:05:00+02:00"


@dataclass(frozen=True)
class Asked:
    """A command: `{a}` and `{b}` are two accounts of its own. `before` is sent first."""

    path: str
    body: dict[str, Any] | None
    method: str = "POST"
    before: tuple[tuple[str, dict[str, Any]], ...] = ()

    def named(self, a: str, b: str) -> "Asked":
        def named(value: Any) -> Any:
            return value.format(a=a, b=b) if isinstance(value, str) else value

        body = None if self.body is None else {name: named(value) for name, value in self.body.items()}
        return replace(self, path=named(self.path), body=body, before=tuple((named(p), b) for p, b in self.before))


_HOLD = ("/accounts/{a}/holds", {"amount": 100})
_FROZEN = ("/accounts/{a}/freeze", {"reason": "so"})
COMMANDS = {
    "open": Asked("/accounts", {"account_id": "{a}new", "asset": "EUR/2", "name": "Alice"}),
    "open again": Asked("/accounts", {"account_id": "{a}", "asset": "EUR/2"}),
    "deposit": Asked("/accounts/{a}/deposits", {"amount": 5, "reference": "of Alice", "effective_date": "2026-02-01"}),
    "deposit to nobody": Asked("/accounts/{a}none/deposits", {"amount": 5}),
    "withdraw": Asked("/accounts/{a}/withdrawals", {"amount": 5, "reference": None}),
    "withdraw too much": Asked("/accounts/{a}/withdrawals", {"amount": 5_000}),
    "freeze": Asked("/accounts/{a}/freeze", {"reason": "so"}),
    "freeze what is frozen": Asked("/accounts/{a}/freeze", {"reason": "so"}, before=(_FROZEN,)),
    "unfreeze": Asked("/accounts/{a}/unfreeze", {"reason": "so"}, before=(_FROZEN,)),
    "limits": Asked("/accounts/{a}/limits", {"per_debit": 50}, method="PUT"),
    "close": Asked("/accounts/{b}/close", {"reason": "so"}),
    "close what is not empty": Asked("/accounts/{a}/close", {"reason": "so"}),
    "hold": Asked("/accounts/{a}/holds", {"amount": 100, "expires_at": EXPIRY, "reference": "room 5"}),
    "hold too much": Asked("/accounts/{a}/holds", {"amount": 5_000, "expires_at": EXPIRY}),
    "capture": Asked("/accounts/{a}/holds/1/capture", {"amount": 60}, before=(_HOLD,)),
    "capture all": Asked("/accounts/{a}/holds/1/capture", None, before=(_HOLD,)),
    "capture nothing": Asked("/accounts/{a}/holds/9/capture", None),
    "release": Asked("/accounts/{a}/holds/1/release", None, before=(_HOLD,)),
    "transfer": Asked(
        "/transfers", {"source": "{a}", "target": "{b}", "amount": 5, "asset": "EUR/2", "reference": "of Alice"}
    ),
    "transfer with an id": Asked(
        "/transfers", {"source": "{a}", "target": "{b}", "amount": 5, "asset": "EUR/2", "transfer_id": "t{a}"}
    ),
    "transfer to oneself": Asked("/transfers", {"source": "{a}", "target": "{a}", "amount": 5, "asset": "EUR/2"}),
}


# Programs that read requests in another way


def _refuses_all(model: type[BaseModel]) -> type[BaseModel]:
    class Tightened(model):  # type: ignore[misc, valid-type]
        @model_validator(mode="before")
        @classmethod
        def refuse(cls, _: Any) -> Any:
            raise ValueError("not in this form any more")

    return Tightened


def _requires_more(model: type[BaseModel]) -> type[BaseModel]:
    return create_model("Tightened", __base__=model, purpose=(str, ...))


def _has_a_default(model: type[BaseModel]) -> type[BaseModel]:
    return create_model("Extended", __base__=model, channel=(str, "web"))


def _reads_otherwise(model: type[BaseModel]) -> type[BaseModel]:
    class InUtc(model):  # type: ignore[misc, valid-type]
        @field_validator("*", mode="after")
        @classmethod
        def utc(cls, value: Any) -> Any:
            return value.astimezone(UTC) if isinstance(value, datetime) else value

    return InUtc


def _as_it_is(model: type[BaseModel]) -> type[BaseModel]:
    return model


SCHEMAS: dict[str, Callable[[type[BaseModel]], type[BaseModel]]] = {
    "as it is": _as_it_is,
    "nothing is valid": _refuses_all,
    "a new field is required": _requires_more,
    "a new field has a default": _has_a_default,
    "a field is read otherwise": _reads_otherwise,
    "ids in the path are longer": _as_it_is,
}
_LONGER = Annotated[str, Path(min_length=40)]


def _endpoint(endpoint: Any, change: str) -> Any:
    """The handler of a program whose schemas are changed."""
    changed = FunctionType(
        endpoint.__code__, endpoint.__globals__, endpoint.__name__, endpoint.__defaults__, endpoint.__closure__
    )
    changed.__annotations__ = dict(endpoint.__annotations__)
    if body := changed.__annotations__.get("body"):
        model = next(iter(get_args(body)), body)
        tightened = SCHEMAS[change](model)
        changed.__annotations__["body"] = tightened | None if get_args(body) else tightened
    if change == "ids in the path are longer" and "account_id" in changed.__annotations__:
        changed.__annotations__["account_id"] = _LONGER
    return changed


def _program(services: Dependencies, change: str) -> Any:
    router = APIRouter(dependencies=[require("command")])
    for route in itertools.chain.from_iterable(each.routes for each in _ROUTERS):
        assert isinstance(route, APIRoute)
        router.add_api_route(route.path, _endpoint(route.endpoint, change), methods=list(route.methods))
    return create_commands(Service("changed", commands=[router], refusals=SERVICE.refusals), services)


Programs = dict[tuple[str, str], httpx.Client]


@pytest.fixture
def programs(client: CosmosClient, database: str, clock: SettableClock) -> Iterator[Programs]:
    """Two processes, each with the same store and caches behind every program."""
    made: Programs = {}
    with ExitStack() as stack:
        for process in ("this", "another"):
            services = replace(build_services(SERVICE, load(Settings, auth="none"), client, database), clock=clock)
            for change in SCHEMAS:
                transport = AsgiThread(_program(services, change))
                made[process, change] = stack.enter_context(
                    httpx.Client(transport=transport, base_url="http://localhost")
                )
        yield made


def _tighten(patch: pytest.MonkeyPatch) -> None:
    """Rules that nothing passes any more."""

    def no(error: Exception) -> Callable[..., None]:
        def check(*_: object, **__: object) -> None:
            raise error

        return check

    for module in (accounts_domain, transfers_domain):
        patch.setattr(module, "check_amount", no(InvalidAmount(amount="1", largest=0)))
        patch.setattr(module, "check_id", no(InvalidId(id="that")), raising=False)
        patch.setattr(module, "check_reason", no(ReasonRequired()), raising=False)


def _send(api: httpx.Client, asked: Asked, key: str) -> httpx.Response:
    return api.request(asked.method, asked.path, json=asked.body, headers={"Idempotency-Key": key})


def test_every_command_of_the_ledger_is_asked_again() -> None:
    routes = {(method, route.path) for each in _ROUTERS for route in each.routes for method in route.methods}  # type: ignore[attr-defined]
    pattern = {("{a}none", "{account_id}"), ("{a}", "{account_id}"), ("{b}", "{account_id}"), ("/1/", "/{hold_id}/")}
    asked = set()
    for each in COMMANDS.values():
        path = each.path
        for old, new in sorted(pattern, reverse=True):
            path = path.replace(old, new)
        asked.add((each.method, path.replace("/9/", "/{hold_id}/")))
    assert asked == routes


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    command=st.sampled_from(list(COMMANDS)),
    change=st.sampled_from(list(SCHEMAS)),
    process=st.sampled_from(["this", "another"]),
    minutes=st.sampled_from([0, 10, 600_000]),
    stricter=st.booleans(),
    warm=st.booleans(),
    later=st.booleans(),
)
def test_the_outcome_that_was_recorded_comes_back(
    programs: Programs,
    clock: SettableClock,
    command: str,
    change: str,
    process: str,
    minutes: int,
    stricter: bool,
    warm: bool,
    later: bool,
) -> None:
    number = next(_numbers)
    clock.now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    before, after = programs["this", "as it is"], programs[process, change]
    a, b = f"a{number}", f"b{number}"
    for account in (a, b):
        assert (
            _send(before, Asked("/accounts", {"account_id": account, "asset": "EUR/2"}), f"open {account}").status_code
            == 201
        )
    assert _send(before, Asked(f"/accounts/{a}/deposits", {"amount": 1_000}), "money").status_code == 201
    asked = COMMANDS[command].named(a, b)
    for count, (path, body) in enumerate(asked.before):
        assert _send(before, Asked(path, body), f"before-{count}").is_success
    if warm:
        _send(programs[process, "as it is"], Asked(f"/accounts/{a}/deposits", {"amount": 1}), "warm")
    key = f"key-{number}"  # a transfer's id may come from it
    first = _send(before, asked, key)
    assert first.status_code != 400
    if later:
        _send(before, Asked(f"/accounts/{a}/deposits", {"amount": 1}), "later")
    clock.advance(minutes=minutes)
    with pytest.MonkeyPatch.context() as patch:
        if stricter:
            _tighten(patch)
        again = _send(after, asked, key)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    for header in ("ETag", "Location"):
        assert again.headers.get(header) == first.headers.get(header)


@pytest.mark.parametrize("change", SCHEMAS)
def test_a_program_that_reads_requests_in_another_way_knows_the_old_keys(programs: Programs, change: str) -> None:
    before, after = programs["this", "as it is"], programs["another", change]
    _send(before, Asked("/accounts", {"account_id": "alice", "asset": "EUR/2"}), "open")
    for asked in (
        Asked("/accounts/alice/deposits", {"amount": 500, "reference": "of Alice"}),
        Asked("/accounts/alice/holds", {"amount": 5, "expires_at": EXPIRY}),
        Asked("/accounts/alice/withdrawals", {"amount": 5_000}),
    ):
        key = asked.path.replace("/", "-")
        first, again = _send(before, asked, key), _send(after, asked, key)
        assert (again.status_code, again.json()) == (first.status_code, first.json())
        assert again.headers["Idempotency-Replayed"] == "true"


def test_a_hold_asked_again_after_its_time_is_the_hold_that_was_placed(
    programs: Programs, clock: SettableClock
) -> None:
    api, other = programs["this", "as it is"], programs["another", "as it is"]
    _send(api, Asked("/accounts", {"account_id": "alice", "asset": "EUR/2"}), "open")
    _send(api, Asked("/accounts/alice/deposits", {"amount": 500}), "money")
    hold = Asked("/accounts/alice/holds", {"amount": 100, "expires_at": "2026-03-01T12:05:00Z"})
    assert _send(api, hold, "h1").status_code == 201
    clock.advance(minutes=10)
    for process in (api, other, api):
        again = _send(process, hold, "h1")
        assert (again.status_code, again.json()["hold_id"]) == (201, 1)
    assert _send(api, hold, "h2").json()["code"] == "INVALID_REQUEST"


CHANGED = [name for name in SCHEMAS if name.startswith(("nothing", "a new field is", "ids"))]


@pytest.mark.parametrize("change", CHANGED)
def test_an_invalid_request_that_nothing_is_recorded_for_is_invalid_and_costs_two_requests(
    programs: Programs, cosmos: LocalCosmos, change: str
) -> None:
    api = programs["this", change]
    asked = Asked("/accounts/alice/deposits", {"amount": 5})
    cosmos.log.clear()
    assert _send(api, asked, "key").json()["code"] == "INVALID_REQUEST"
    assert [(each.operation, each.container) for each in cosmos.log.filter() if each.container] == [
        ("batch", "events"),
        ("query", "events"),
    ]


@pytest.mark.parametrize("change", CHANGED)
def test_an_invalid_request_with_the_key_of_another_body_is_invalid(programs: Programs, change: str) -> None:
    before, after = programs["this", "as it is"], programs["another", change]
    _send(before, Asked("/accounts", {"account_id": "alice", "asset": "EUR/2"}), "open")
    assert _send(before, Asked("/accounts/alice/deposits", {"amount": 5}), "key").status_code == 201
    assert _send(after, Asked("/accounts/alice/deposits", {"amount": 6}), "key").json()["code"] == "INVALID_REQUEST"
    assert _send(before, Asked("/accounts/alice/deposits", {"amount": 6}), "key").status_code == 422


@pytest.mark.parametrize(
    "body", [b"[1]", b"7", b'{"amount": {"a": 1}}', b'{"amount": 1e400}', b'{"reference": 5}', b""]
)
def test_a_request_that_no_program_could_have_taken_is_invalid(programs: Programs, body: bytes) -> None:
    api = programs["this", "as it is"]
    answer = api.post("/accounts/alice/deposits", content=body, headers={"Idempotency-Key": "key"})
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")


def test_what_cannot_be_looked_up_now_is_no_400(programs: Programs, cosmos: LocalCosmos) -> None:
    cosmos.faults.add(status=429, container="events")
    answer = _send(programs["this", "nothing is valid"], Asked("/accounts/alice/deposits", {"amount": 5}), "key")
    assert (answer.status_code, answer.json()["code"]) == (503, "STORE_BUSY")
