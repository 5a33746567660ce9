"""Failures of a view: what is kept of an event that could not be applied."""

import logging
from collections.abc import Mapping
from typing import Any

from eventstore.errors import UnknownEventType, UnknownSchema
from eventstore.log.mapper import event_class_of, schema_of
from projectors import metrics
from projectors.container import Document

_log = logging.getLogger(__name__)

MAX_REASON = 500
"""Characters of what is kept of an error's text."""


def failure(document: Document, error: Exception) -> dict[str, Any]:
    """What is kept of a failure: which version and type, and why, in so few bytes that there is always room for it.

    Where the program does not know the type, or not its schema, also the schema that it would have to know.
    """
    described = {
        "version": document["version"],
        "type": document["type"],
        "reason": bounded(f"{type(error).__name__}: {_text(error)}"),
    }
    if isinstance(error, UnknownEventType | UnknownSchema):
        described["needs_schema"] = document["schema"]
    return described


def report(view: str, stream: str, error: Mapping[str, Any]) -> None:
    """Tells operators that a stream was parked: one line of the log, one more in the metric."""
    metrics.parks.add(1, {"view": view})
    _log.error(
        "%s parked %s at version %d (%s): %s; see `tidemark replay deadletters`",
        view,
        stream,
        error["version"],
        error["type"],
        error["reason"],
    )


def is_known(type_name: str, schema: int | None) -> bool:
    """Whether this program knows the type at the schema that the one which parked a stream did not know."""
    if schema is None:
        return False
    try:
        return schema_of(event_class_of(type_name, "", 0)) >= schema
    except UnknownEventType:
        return False


def bounded(text: str) -> str:
    """The text as any store and one line of a log take it: UTF-8, without line breaks, and not too long."""
    plain = " ".join(text[:MAX_REASON].encode(errors="backslashreplace").decode().split())
    return plain if len(text) <= MAX_REASON else f"{plain}… ({len(text)} characters)"


def _text(error: Exception) -> str:
    try:
        return str(error)
    except Exception as broken:  # noqa: BLE001 - a view's own exception may be as broken as the view
        return f"its text cannot be had: {type(broken).__name__}"


_TRIES = 20
