"""Generated requests against both apps: no 5xx, and every answer as its OpenAPI document says.

    make fuzz        the long form: at least 20,000 requests, or it fails

First each operation by itself, half of the requests led to a few accounts that exist, so that they meet state and not
only 404. Then walks of up to twelve requests through both apps behind one port, where a request takes its ids, numbers
and versions from the answers before it.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from eventstore.cosmos.containers import create_containers
from eventstore.environment import load
from functions.audit import AuditDesk
from functions.commands.app import create_commands
from functions.composition import build_audit, build_consumers, build_services
from functions.hosting import local
from functions.http.auth import Principal
from functions.http.dependencies import Dependencies
from functions.queries.app import create_queries
from functions.settings import Settings
from localazure.cosmos import LocalCosmos
from projectors.ledger import VIEWS
from service import SERVICE

CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
KNOWN = ("alice", "bob", "carol")
LEAST = 20_000
EXAMPLES, WALKS, STEPS = 800, 500, 12
_PLACES = ("account_id", "source", "target", "owner")


class Everybody:
    """An authenticator for requests that come from no address."""

    async def principal(self, token: str | None, client_host: str | None) -> Principal:
        return Principal("local:fuzz", frozenset({"command", "query", "audit"}))


@contextmanager
def running() -> Iterator[tuple[Dependencies, AuditDesk]]:
    """What both apps work with, over one store, consumers at work."""
    with LocalCosmos() as cosmos:
        client = cosmos.client()
        create_containers(client, "tidemark", VIEWS.indexed)
        services = build_services(SERVICE, load(Settings, auth="none", max_wait_ms=3_000), client, "tidemark")
        stop = threading.Event()
        consumers = build_consumers(SERVICE, cosmos.client(), "tidemark", store=services.store)
        thread = threading.Thread(target=consumers.run, args=(stop,))
        thread.start()
        try:
            audit = build_audit(SERVICE, services.settings, client, "tidemark", services.personal)
            yield replace(services, authenticator=Everybody()), audit
        finally:
            stop.set()
            thread.join()


def fuzz(app: FastAPI, examples: int) -> Counter[int]:
    """Send `examples` requests per operation; how often each status was answered. Raises at the first that is wrong."""
    seen: Counter[int] = Counter()
    for found in schemathesis.openapi.from_asgi("/openapi.json", app).get_all_operations():
        _fuzz_operation(found.ok(), examples, seen)
    return seen


def _fuzz_operation(operation: Any, examples: int, seen: Counter[int]) -> None:
    modes = [GenerationMode.POSITIVE]
    if operation.body or any(True for _ in operation.iter_parameters()):
        modes.append(GenerationMode.NEGATIVE)
    cases = st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes])

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(cases, st.sampled_from([*KNOWN, None, None]))
    def send(case: Case, known: str | None) -> None:
        if known is not None:
            _lead(case, known)
        response = case.call()
        seen[response.status_code] += 1
        case.validate_response(response, checks=CHECKS)

    send()


def _lead(case: Case, known: str) -> None:
    for place in (case.path_parameters, case.body):
        if isinstance(place, dict):
            place |= {name: known for name in _PLACES if name in place}
            place |= {name: f"account-{known}" for name in ("stream",) if name in place}


def walk(services: Dependencies, audit: AuditDesk, walks: int) -> Counter[int]:
    """Send up to `walks` times STEPS requests; as `fuzz`. Which answers lead where, schemathesis infers."""
    seen: Counter[int] = Counter()
    whole = schemathesis.openapi.from_asgi("/openapi.json", local.create_app(SERVICE, services, audit))

    class Walk(whole.as_state_machine()):  # type: ignore[misc]
        def after_call(self, response: Any, case: Case) -> None:
            seen[response.status_code] += 1

        def validate_response(self, response: Any, case: Case, **_: Any) -> None:
            case.validate_response(response, checks=CHECKS)

    options = settings(max_examples=walks, stateful_step_count=STEPS, phases=[Phase.generate], deadline=None)
    Walk.run(settings=settings(options, database=None, suppress_health_check=list(HealthCheck)))
    return seen


def main() -> None:
    total = 0
    with running() as (services, audit):
        for app in (create_commands(SERVICE, services), create_queries(SERVICE, services, audit)):
            total += _report(app.title, fuzz(app, EXAMPLES))
        total += _report("walks through both", walk(services, audit, WALKS))
    if total < LEAST:
        raise SystemExit(f"only {total:,} requests were generated, not {LEAST:,}")


def _report(name: str, seen: Counter[int]) -> int:
    print(f"{name}: {seen.total():,} requests, {dict(sorted(seen.items()))}", flush=True)
    return seen.total()


if __name__ == "__main__":
    main()
