"""The query side of the HTTP API, whatever the views are."""

from functions.queries.consistency import Read, reply

__all__ = ["Read", "reply"]
