"""Failures of a view: what is kept of an event that could not be applied."""

from typing import Any

from projectors.container import Document


def failure(document: Document, error: Exception) -> dict[str, Any]:
    """What is kept of a failure: which version and type, and why."""
    return {"version": document["version"], "type": document["type"], "reason": f"{type(error).__name__}: {error}"}


_TRIES = 20
