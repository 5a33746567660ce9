"""What is registered with the Azure Functions host, by role.

    commands, queries   one HTTP function that hands every request to the ASGI app; authentication is the app's own
    projectors          a Cosmos DB trigger and a timer that wake the consumers; a timer for the watchdog, which
                        releases expired holds and resumes transfers that are stuck; a nightly one that verifies the
                        log for a few minutes, and goes on the next night
    all                 all of it in one app

The trigger only wakes: its documents are not used. The host would checkpoint a batch whose invocation failed, and it
rewrites strings that look like dates. Positions, retries and dead letters are the consumers' own.

Nothing connects while the host indexes: what a function needs is made by the first call that needs it. Settings are
read at once, so that a wrong one shows when the app starts.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from functools import cache
from urllib.parse import urlsplit

import azure.functions as func
from azure.core.exceptions import AzureError

from eventstore.cosmos.containers import EVENTS
from eventstore.cosmos.settings import CosmosSettings
from functions.composition import Consumers, build_consumers, require_master_key
from functions.hosting.exporters import configure_telemetry
from functions.hosting.logs import configure_logs
from functions.hosting.metering import connect_metered
from functions.hosting.server import open_app
from functions.http.problems import Problem, problem_response
from functions.service import Service
from functions.settings import Settings
from projectors.processor.worker import Worker

__all__ = ["Visits", "register"]

LEASES_OF_THE_TRIGGER = "trigger-leases"
_log = logging.getLogger(__name__)
_VISIT_SECONDS = 50.0  # the timer comes once a minute
_PATROL_SECONDS = 200.0  # host.json ends an invocation after five minutes


def register(app: func.FunctionApp, service: Service, settings: Settings) -> None:
    """Add the functions of the role.

    Raises:
        SettingsError: a variable is missing or wrong; an HTTP role also needs what it authenticates with.
    """
    configure_logs(settings.log_level)
    cosmos = CosmosSettings.load()

    @cache  # one process, one set of exporters
    def export() -> None:
        configure_telemetry(settings.role)

    if settings.role != "projectors":
        settings.require_auth()
        require_master_key(settings)
        _register_http(app, service, settings, cosmos, export)
    if settings.role in ("projectors", "all"):
        _register_projectors(app, service, cosmos, export)


def _register_http(
    app: func.FunctionApp, service: Service, settings: Settings, cosmos: CosmosSettings, export: Callable[[], None]
) -> None:
    def make() -> func.AsgiMiddleware:
        app = open_app(settings.role, service, settings, connect_metered(cosmos), cosmos.database)
        export()
        return func.AsgiMiddleware(app)  # type: ignore[no-untyped-call]

    made = MadeOnce(make)

    @app.function_name("http")
    @app.route(route="{*path}", methods=list(func.HttpMethod), auth_level=func.AuthLevel.ANONYMOUS)
    async def http(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        try:
            middleware = await made.get()
        except AzureError as error:
            return _not_yet(req, error)
        answer: func.HttpResponse = await middleware.handle_async(req, context)
        return answer


def _not_yet(req: func.HttpRequest, error: AzureError) -> func.HttpResponse:
    """An exception that left the function would be answered by the host, as a 500 without a problem."""
    _log.error("the app cannot be made yet: %s", error)
    problem = Problem("STORE_UNAVAILABLE", "the database cannot be reached; the same request may be sent again")
    answer = problem_response(problem, urlsplit(req.url).path)
    return func.HttpResponse(bytes(answer.body), status_code=answer.status_code, headers=dict(answer.headers))


class MadeOnce:
    """What the first request makes, outside the event loop; those that come meanwhile wait for the same attempt, and
    after one that failed the next request tries again."""

    def __init__(self, make: Callable[[], func.AsgiMiddleware]) -> None:
        self._make = make
        self._attempt: asyncio.Future[func.AsgiMiddleware] | None = None

    async def get(self) -> func.AsgiMiddleware:
        if self._attempt is None:
            self._attempt = asyncio.ensure_future(asyncio.to_thread(self._make))
        attempt = self._attempt
        try:
            return await asyncio.shield(attempt)
        except Exception:
            if self._attempt is attempt:
                self._attempt = None
            raise


def _register_projectors(
    app: func.FunctionApp, service: Service, cosmos: CosmosSettings, export: Callable[[], None]
) -> None:
    @cache
    def made() -> Consumers:
        consumers = build_consumers(service, connect_metered(cosmos), cosmos.database)
        export()
        return consumers

    making = threading.Lock()

    def consumers() -> Consumers:
        with making:  # functions run on several threads
            return made()

    visits = Visits(lambda: consumers().worker)

    @app.function_name("wake")
    @app.cosmos_db_trigger(
        arg_name="documents",
        connection="COSMOS_TRIGGER",
        database_name="%COSMOS_DATABASE%",
        container_name=EVENTS.name,
        lease_container_name=LEASES_OF_THE_TRIGGER,
        create_lease_container_if_not_exists=False,
        max_items_per_invocation=1000,
    )
    def wake(documents: func.DocumentList) -> None:  # noqa: ARG001 - only that there are some matters
        visits.visit(_VISIT_SECONDS)

    @app.function_name("tick")
    @app.timer_trigger(arg_name="timer", schedule="0 * * * * *", run_on_startup=False, use_monitor=False)
    def tick(timer: func.TimerRequest) -> None:  # noqa: ARG001
        visits.visit(_VISIT_SECONDS)

    @app.function_name("upkeep")
    @app.timer_trigger(arg_name="timer", schedule="30 * * * * *", run_on_startup=False, use_monitor=False)
    def upkeep(timer: func.TimerRequest) -> None:  # noqa: ARG001
        watchdog = consumers().watchdog
        failures = watchdog.visit(_VISIT_SECONDS).failures if watchdog else {}
        if failures:
            raise VisitFailed("; ".join(f"{name}: {why}" for name, why in failures.items()))

    @app.function_name("verify")
    @app.timer_trigger(arg_name="timer", schedule="0 15 2 * * *", run_on_startup=False, use_monitor=True)
    def verify(timer: func.TimerRequest) -> None:  # noqa: ARG001
        place = consumers().patrol.visit(_PATROL_SECONDS)
        if place.bad:
            raise VisitFailed(f"{place.bad} streams do not verify: run `tidemark audit verify`, and change nothing")


class Visits:
    """One worker per process, visited by one invocation at a time.

    An invocation that comes while another works waits for it, for it may have come for events that the other no longer
    saw; a third one need not wait, as the second will see everything that the third could.
    """

    def __init__(self, worker: Callable[[], Worker]) -> None:
        self._worker = worker
        self._working = threading.Lock()
        self._waiting = threading.Lock()

    def visit(self, seconds: float) -> None:
        if not self._waiting.acquire(blocking=False):
            return
        with self._working:
            self._waiting.release()
            visit = self._worker().run_until_idle(seconds)
        if visit.failures:
            # A failed invocation is what the host's metrics and alerts see; nothing is lost by it.
            raise VisitFailed("; ".join(f"{name}: {why}" for name, why in sorted(visit.failures.items())))


class VisitFailed(Exception):
    """Some consumers could not go on; they are tried again at the next visit."""
