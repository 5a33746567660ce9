"""Context of a command, from its headers: idempotency key, expected version, actor, time, correlation, trace."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, Request
from pydantic import BaseModel

from eventstore.commands.store import Command
from eventstore.personal import Token
from functions.http.auth import Principal
from functions.http.bodies import require_one_reading
from functions.http.personal import UNSEALED, Said, personal_names, personal_texts
from functions.http.problems import Problem
from functions.http.telemetry import current_traceparent

__all__ = ["CommandContext", "Context", "derived_id"]

CALLER = "¦"
"""Between a key and its caller in a command's id. Keys and callers are ASCII, so none of them has one."""

_KEY = (
    "names the command: one key, one outcome, forever. A caller's keys are unique in all that it creates by one "
    "operation (POST /accounts, POST /transfers), whatever ids that has, and in its commands on one account, the "
    "opening included. The same key with another content is refused (422 IDEMPOTENCY_KEY_REUSED); another caller's "
    "key is another key. Printable characters without '/'"
)

KEY_PATTERN = r"^[\x21-\x2e\x30-\x7e](?:[\x20-\x2e\x30-\x7e]{0,253}[\x21-\x2e\x30-\x7e])?$"

_SINGLE = ("Idempotency-Key", "If-Match")  # of two, a proxy in between might go by the other one


@dataclass(frozen=True, slots=True)
class CommandContext:
    """`at` is the server's time of the command, in UTC; `expected_version` comes from If-Match. `came` is the body as
    it was sent, before any model read it.

    `caller` is who sends the command, "" without authentication: then all callers are one.
    """

    key: str
    expected_version: int | None
    at: datetime
    metadata: Mapping[str, str]
    came: Mapping[str, Any] = field(default_factory=dict)
    caller: str = ""

    @property
    def command_id(self) -> str:
        """A key is its caller's own: of two callers with one key on one stream each has a command, and its outcome."""
        return f"{self.key}{CALLER}{self.caller}" if self.caller else self.key

    def command(
        self,
        operation: str,
        body: BaseModel | Said[Any] | None,
        *,
        reason: str | None = None,
        claimed_in: str | None = None,
    ) -> Command:
        """The store's command for a body whose personal texts are encrypted; `claimed_in` as `Command` has it.

        Its fingerprint covers what the caller asks for: operation, target and body, as they came and not as this
        program reads them: a default that a later one adds, or another form of a value, makes no other command. A null
        is as good as nothing. Of personal texts it covers the
        tokens, apart from the rest and with the name of their key: they are the same for the same texts, and tell
        nothing once the key is destroyed. If-Match is left out on purpose: a mismatch leaves nothing behind, and the
        caller may then look again and send the same command with the same key and the new version.
        """
        body = body.body if isinstance(body, Said) else body
        texts = personal_texts(body)
        asked: dict[str, Any] = {
            "operation": operation,
            "body": _plain(self.came, type(body)) if body else {},
        }
        fingerprint = _digest(asked) + _keyed(texts)
        metadata = {**self.metadata, "reason": reason} if reason else self.metadata
        return Command(id=self.command_id, fingerprint=fingerprint, metadata=metadata, claimed_in=claimed_in)


def _plain(came: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """What came, without what is personal, under whichever name."""
    fields = [(name, model.model_fields[name]) for name in personal_names(model)]
    personal = {each for name, field in fields for each in (name, field.alias, field.validation_alias)}
    return {name: value for name, value in came.items() if value is not None and name not in personal}


def _keyed(texts: dict[str, str]) -> str:
    """The part of a fingerprint that personal texts add; see `eventstore.commands.store.Command`."""
    if not texts:
        return ""
    if set(texts.values()) == {UNSEALED}:  # under no key, so it counts against none
        return f"~-~{_digest(texts)}"
    tokens = [Token.parse(text) for text in texts.values()]
    if (token := tokens[0]) is None or None in tokens:
        raise ValueError("personal texts are encrypted before the command is made")
    return f"~{token.subject}:{token.number}~{_digest(texts)}"


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def derived_id(context: CommandContext, scope: str) -> str:
    """What a caller's key names by itself, in a `scope` of things to create: a repetition names the same again."""
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
            description=_KEY,
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
    came = require_one_reading(await request.body())
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
    context = CommandContext(
        idempotency_key,
        version,
        at,
        metadata,
        came if isinstance(came, dict) else {},
        principal.actor if principal.proven else "",
    )
    request.state.context = context
    return context


Context = Annotated[CommandContext, Depends(_context)]
