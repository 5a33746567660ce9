"""The settings of the HTTP apps and of the projectors, each from one environment variable TIDEMARK_…

The store's own are eventstore.cosmos.settings.CosmosSettings (COSMOS_…). A wrong value is one line that names the
variable.
"""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from eventstore.environment import variable
from eventstore.errors import SettingsError

__all__ = ["Role", "Settings", "is_loopback"]

Role = Literal["commands", "queries", "projectors", "all"]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TIDEMARK_", extra="ignore", frozen=True)

    role: Annotated[Role, Field(description="what a function app registers: commands, queries, projectors, or all")] = (
        "all"
    )
    auth: Annotated[
        Literal["entra", "none"],
        Field(description="entra: bearer tokens of Microsoft Entra ID; none: no authentication, on loopback only"),
    ] = "entra"
    auth_issuer: Annotated[
        str | None, Field(description="the tokens' iss, e.g. https://login.microsoftonline.com/<tenant>/v2.0")
    ] = None
    auth_audience: Annotated[
        str | None, Field(description="the tokens' aud: the client id of the API's app registration")
    ] = None
    auth_jwks_url: Annotated[
        str | None,
        Field(description="the issuer's keys, e.g. https://login.microsoftonline.com/<tenant>/discovery/v2.0/keys"),
    ] = None
    max_body_bytes: Annotated[int, Field(ge=1_024, le=1_048_576, description="largest accepted request body")] = 65_536
    max_wait_ms: Annotated[
        int, Field(ge=0, le=30_000, description="the longest that a query waits for a position token, milliseconds")
    ] = 5_000
    digests: Annotated[
        Path | None, Field(description="folder of digests whose newest one the audit's health page shows")
    ] = None
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], Field(description="least level of log lines")
    ] = "INFO"

    def require_auth(self) -> None:
        """Raises SettingsError when requests cannot be authenticated as `auth` says."""
        names = ("auth_issuer", "auth_audience", "auth_jwks_url")
        missing = [variable(self, name) for name in names if not getattr(self, name)]
        if self.auth == "entra" and missing:
            raise SettingsError(f"{' and '.join(missing)} must be set: TIDEMARK_AUTH is entra")


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
