"""Who is calling, and what may they do: bearer tokens of Microsoft Entra ID, or none on loopback.

Facts about the tokens: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference. The actor of
an event is pseudonymous: the token's `oid` (an object id of the directory), never a name or an address.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import jwt
from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from functions.http.jwks import KeySet, KeysUnavailable, UnknownKey
from functions.http.problems import Problem
from functions.settings import Settings, is_loopback

__all__ = [
    "Authenticator",
    "EntraAuthenticator",
    "LoopbackOnly",
    "Permission",
    "Principal",
    "authenticator",
    "require",
]

Permission = Literal["command", "query", "audit"]

_ALGORITHM = "RS256"  # the only one Entra ID signs with; a token's own header never chooses
_LEEWAY_SECONDS = 30  # clocks of two clouds
_OID = re.compile(r"[A-Za-z0-9._-]{1,64}")  # an object id is a GUID; it becomes a part of command ids
_ROLE_PREFIX = "Tidemark."  # app roles of the API's registration: Tidemark.Command, Tidemark.Query, Tidemark.Audit

_INVALID = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller: `actor` is "user:<oid>", "app:<oid>" or "local:anonymous"."""

    actor: str
    permissions: frozenset[Permission]

    @property
    def proven(self) -> bool:
        """Whether a token says who it is: without authentication all callers are one."""
        return self != _LOCAL


class Authenticator(Protocol):
    async def principal(self, token: str | None, client_host: str | None) -> Principal:
        """Raises Problem UNAUTHENTICATED when the caller does not prove who they are."""


class LoopbackOnly:
    """AUTH=none: every caller on this machine may do everything, nobody else anything."""

    async def principal(self, token: str | None, client_host: str | None) -> Principal:  # noqa: ARG002
        if client_host is None or not is_loopback(client_host):
            raise Problem("UNAUTHENTICATED", "without authentication only callers on this machine are served")
        return _LOCAL


_LOCAL = Principal("local:anonymous", frozenset({"command", "query", "audit"}))


class EntraAuthenticator:
    def __init__(self, keys: KeySet, *, issuer: str, audience: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience

    async def principal(self, token: str | None, client_host: str | None) -> Principal:  # noqa: ARG002
        if token is None:
            raise Problem("UNAUTHENTICATED", "a bearer token is missing")
        try:
            claims = self._claims(token, await self._key(token))
        except KeysUnavailable as error:
            raise Problem("STORE_UNAVAILABLE", str(error)) from error
        except (jwt.InvalidTokenError, UnknownKey) as error:
            raise Problem("UNAUTHENTICATED", f"the bearer token is refused: {error}", headers=_INVALID) from error
        if not isinstance(claims["oid"], str) or not _OID.fullmatch(claims["oid"]):
            raise Problem("UNAUTHENTICATED", "the bearer token is refused: its oid is no object id", headers=_INVALID)
        return Principal(_actor(claims), _permissions(claims.get("roles", ())))

    async def _key(self, token: str) -> jwt.PyJWK:
        header = jwt.get_unverified_header(token)
        key_id = header.get("kid")
        if not isinstance(key_id, str):
            raise UnknownKey("it names no key (kid)")
        cached = self._keys.cached(key_id)
        return await run_in_threadpool(self._keys.find, key_id) if cached is None else cached

    def _claims(self, token: str, key: jwt.PyJWK) -> dict[str, Any]:
        return jwt.decode(
            token,
            key.key,
            algorithms=[_ALGORITHM],
            audience=self._audience,
            issuer=self._issuer,
            leeway=_LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud", "oid"]},
        )


def authenticator(settings: Settings) -> Authenticator:
    """Raises SettingsError when authentication is wanted and a variable for it is missing."""
    if settings.auth == "none":
        return LoopbackOnly()
    settings.require_auth()
    keys = KeySet(settings.auth_jwks_url or "")
    return EntraAuthenticator(keys, issuer=settings.auth_issuer or "", audience=settings.auth_audience or "")


def require(permission: Permission) -> Any:
    """A dependency for a router, so that it runs before anything of a request is looked at: answers 401 or 403, or
    leaves the caller in `request.state.principal`."""

    async def check(request: Request) -> None:
        authenticator: Authenticator = request.app.state.services.authenticator
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        host = request.client.host if request.client else None
        principal = await authenticator.principal(token.strip() if scheme.lower() == "bearer" else None, host)
        if permission not in principal.permissions:
            role = _ROLE_PREFIX + permission.capitalize()
            raise Problem("FORBIDDEN", f"this needs the app role {role}, which the token does not carry")
        request.state.principal = principal

    return Depends(check)


def _actor(claims: dict[str, Any]) -> str:
    kind = "app" if claims.get("idtyp") == "app" else "user"
    return f"{kind}:{claims['oid']}"


def _permissions(roles: object) -> frozenset[Permission]:
    names = set(roles) if isinstance(roles, Iterable) and not isinstance(roles, str) else set()
    every: tuple[Permission, ...] = ("command", "query", "audit")
    return frozenset(permission for permission in every if _ROLE_PREFIX + permission.capitalize() in names)
