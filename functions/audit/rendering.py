"""Templates to pages. Everything is escaped unless a template says otherwise, and none does."""

import shlex
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import Response

from audit.formats import duration
from audit.narration import Narration
from functions.audit.charts import sparkline

__all__ = ["POLICY", "SECURITY", "render"]

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
SECURITY: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def render(template: str, status: int = 200, *, narration: Narration | None = None, **values: Any) -> Response:
    """A page from functions/audit/templates; `narration` writes numbers as the domain does."""
    page = _environment.get_template(template).render(told=narration or Narration(), **values)
    return Response(page, status, headers=SECURITY, media_type="text/html; charset=utf-8")


def _time(text: str | datetime | None) -> str:
    """A moment for people: in UTC, to the second."""
    if text is None or text == "":
        return "unknown"
    try:
        moment = text if isinstance(text, datetime) else _parsed(text)
        return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if moment else str(text)
    except OverflowError:  # events of old may name a time that no year of UTC has
        return str(text)


def _parsed(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _query(**values: object) -> str:
    """The query of an address; what is None is left out."""
    return urlencode({name.rstrip("_"): value for name, value in values.items() if value is not None})


def _environment_of_pages() -> Environment:
    environment = Environment(
        loader=PackageLoader("functions.audit", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "time": _time,
        "quoted": shlex.quote,
        "duration": duration,
        "sparkline": sparkline,
    }
    environment.globals |= {"query": _query}
    return environment


_environment = _environment_of_pages()
