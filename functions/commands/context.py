"""What surrounds a command: its key, the version it expects, who sends it, when, and as part of what."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, Request
from pydantic import BaseModel

from eventstore.commands.store import Command
from eventstore.personal import Token
from functions.http.auth import Principal
from functions.http.bodies import require_one_reading
from functions.http.personal import personal_texts
from functions.http.problems import Problem
from functions.http.telemetry import current_traceparent

__all__ = ["CommandContext", "Context", "derived_id"]

KEY_PATTERN = r"^[\x21-\x2e\x30-\x7e](?:[\x20-\x2e\x30-\x7e]{0,253}[\x21-\x2e\x30-\x7e])?$"

_SINGLE = ("Idempotency-Key", "If-Match")  # of two, a proxy in between might go by the other one


@dataclass(frozen=True, slots=True)
class CommandContext:
    """`at` is the server's time of the command, in UTC; `expected_version` comes from If-Match."""

    key: str
    expected_version: int | None
    at: datetime
    metadata: Mapping[str, str]

    def command(self, operation: str, body: BaseModel | None, *, reason: str | None = None) -> Command:
        """The store's command for a body whose personal texts are encrypted.

        Its fingerprint covers what the caller asks for: operation, target and body. Of personal texts it covers the
        tokens, apart from the rest and with the name of their key: they are the same for the same texts, and tell
        nothing once the key is destroyed. If-Match is left out on purpose: a mismatch leaves nothing behind, and the
        caller may then look again and send the same command with the same key and the new version.
        """
        texts = personal_texts(body)
        asked: dict[str, Any] = {
            "operation": operation,
            "body": body.model_dump(mode="json", exclude_none=True, exclude=set(texts)) if body else {},
        }
        fingerprint = _digest(asked) + _keyed(texts)
        metadata = {**self.metadata, "reason": reason} if reason else self.metadata
        return Command(id=self.key, fingerprint=fingerprint, metadata=metadata)


def _keyed(texts: dict[str, str]) -> str:
    """The part of a fingerprint that personal texts add; see `eventstore.commands.store.Command`."""
    if not texts:
        return ""
    tokens = [Token.parse(text) for text in texts.values()]
    if (token := tokens[0]) is None or None in tokens:
        raise ValueError("personal texts are encrypted before the command is made")
    return f"~{token.subject}:{token.number}~{_digest(texts)}"


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def derived_id(context: CommandContext, scope: str) -> str:
    """An id for something that a command creates without naming it: a retry with the same key means the same thing."""
    return hashlib.sha256(f"{scope}\n{context.metadata['actor']}\n{context.key}".encode()).hexdigest()[:32]


async def _context(
    request: Request,
    idempotency_key: Annotated[
        str,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=255,
            pattern=KEY_PATTERN,
            description="names the command: one key, one outcome, forever; printable characters without '/'",
            examples=["deposit-1"],
        ),
    ],
    if_match: Annotated[
        str | None,
        Header(alias="If-Match", pattern=r'^(?:\*|"[0-9]{1,10}")$', description='the expected version as an ETag: "3"'),
    ] = None,
    correlation: Annotated[
        str | None,
        Header(
            alias="X-Correlation-ID",
            min_length=1,
            max_length=128,
            pattern=r"^[\x21-\x7e]+$",
            description="ties commands to one story; made up when absent",
        ),
    ] = None,
) -> CommandContext:
    for name in _SINGLE:
        if len(request.headers.getlist(name)) > 1:
            raise Problem("INVALID_REQUEST", f"header.{name}: given more than once")
    require_one_reading(await request.body())
    principal: Principal = request.state.principal
    at = request.app.state.services.clock()
    metadata = {
        "actor": principal.actor,
        "correlation": correlation or uuid.uuid4().hex,
        "recorded_at": at.isoformat(),
    }
    traceparent = current_traceparent()
    if traceparent is not None:
        metadata["traceparent"] = traceparent
    version = None if if_match is None or if_match == "*" else int(if_match.strip('"'))
    return CommandContext(idempotency_key, version, at, metadata)


Context = Annotated[CommandContext, Depends(_context)]
