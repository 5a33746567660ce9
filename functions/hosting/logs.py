"""Log lines as JSON, one object a line, on standard error.

A line holds time, level, logger, message, the trace it belongs to, an error's type and traceback, and for a read
through the audit role who read what. Bodies, query strings, tokens and headers are never logged; the ids in a path are
pseudonymous.
"""

import logging
import sys
from datetime import UTC, datetime

import orjson
from opentelemetry import trace

__all__ = ["JsonFormatter", "configure_logs"]

_QUIET = ("azure", "azure.core.pipeline.policies.http_logging_policy", "uvicorn.access", "httpx")


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            line |= {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
        if audit := getattr(record, "audit", None):
            line["audit"] = audit
        if record.exc_info and record.exc_info[0] is not None:
            line |= {"error": record.exc_info[0].__name__, "traceback": self.formatException(record.exc_info)}
        return orjson.dumps(line).decode()


def configure_logs(level: str) -> None:
    """Make the root logger write JSON lines; the SDKs below warnings stay quiet."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
