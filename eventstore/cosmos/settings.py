"""Where the database is and how patiently it is spoken to: environment variables `COSMOS_…`.

COSMOS_ENDPOINT             https://<account>.documents.azure.com:443/, default http://localhost:8081/
COSMOS_KEY                  an account key; without one, azure-identity's DefaultAzureCredential. An endpoint on
                            this machine defaults to the emulator's well-known key.
COSMOS_DATABASE             default tidemark
COSMOS_CONNECTION_TIMEOUT   seconds to connect, default 5
COSMOS_READ_TIMEOUT         seconds to wait for an answer, default 5
COSMOS_POOL_SIZE            connections kept open, default 64
"""

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from eventstore.errors import SettingsError

EMULATOR_KEY: Final = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
"""The key of every Cosmos DB emulator, published: https://learn.microsoft.com/azure/cosmos-db/emulator."""

_PREFIX: Final = "COSMOS_"
_HELP: Final[Mapping[str, str]] = {
    "endpoint": "the account's address, such as https://<account>.documents.azure.com:443/",
    "key": "an account key, or leave it out to use a managed identity",
    "database": "the database's name",
    "connection_timeout": "seconds, more than 0 and at most 60",
    "read_timeout": "seconds, more than 0 and at most 60",
    "pool_size": "a number of connections, 1 to 1000",
}


class CosmosSettings(BaseSettings):
    """See the module. Times are seconds."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore", frozen=True)

    endpoint: str = "http://localhost:8081/"
    key: Annotated[str | None, Field(repr=False)] = None
    database: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^/\\#?]+$")] = "tidemark"
    connection_timeout: Annotated[float, Field(gt=0, le=60)] = 5.0
    read_timeout: Annotated[float, Field(gt=0, le=60)] = 5.0
    pool_size: Annotated[int, Field(ge=1, le=1000)] = 64

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> Self:
        """The settings of `environment`, of the process if None.

        Raises:
            SettingsError: one line that names every variable that is wrong, and what to put there.
        """
        values: dict[str, Any] = {} if environment is None else _values(environment, cls.model_fields)
        try:
            return cls(**values)
        except ValidationError as error:
            names = [str(fault["loc"][0]) for fault in error.errors()]
            wrong = "; ".join(f"{_PREFIX}{name.upper()} must be {_HELP[name]}" for name in names)
            raise SettingsError(wrong) from None

    @field_validator("endpoint")
    @classmethod
    def _is_url(cls, endpoint: str) -> str:
        address = urlsplit(endpoint)
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise ValueError("not an http or https address")
        return endpoint

    @field_validator("key")
    @classmethod
    def _empty_is_none(cls, key: str | None) -> str | None:
        return key or None

    @property
    def is_local(self) -> bool:
        """Whether the endpoint is on this machine."""
        host = urlsplit(self.endpoint).hostname or ""
        if host == "localhost":
            return True
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return False

    @property
    def account_key(self) -> str | None:
        """The key to sign with; None means: use an identity."""
        return self.key or (EMULATOR_KEY if self.is_local else None)


def _values(environment: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    present = {name: environment.get(f"{_PREFIX}{name.upper()}") for name in names}
    return {name: value for name, value in present.items() if value is not None}
