"""Every environment variable that Terraform sets is one that somebody reads."""

import re
from collections.abc import Iterable

from pydantic_settings import BaseSettings

from eventstore.settings import CosmosSettings
from functions.settings import Settings
from projectors.relay.settings import EventHubsSettings
from projectors.settings import WorkerSettings
from tests.infra.paths import TERRAFORM

OF_THE_CODE: Iterable[type[BaseSettings]] = (Settings, CosmosSettings, EventHubsSettings, WorkerSettings)
OF_THE_PLATFORM = {
    "AZURE_CLIENT_ID",  # azure-identity: which managed identity
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",  # the Functions host: telemetry with the identity
}
TRIGGER = re.compile(r"COSMOS_TRIGGER__(accountEndpoint|credential|clientId)")  # the host: an identity-based connection


def variables(kind: type[BaseSettings]) -> set[str]:
    prefix = kind.model_config.get("env_prefix", "")
    return {f"{prefix}{name}".upper() for name in kind.model_fields}


def set_by_terraform() -> set[str]:
    text = (TERRAFORM / "settings.tf").read_text()
    return set(re.findall(r"^\s+([A-Z][A-Z0-9_]+(?:__\w+)?)\s+=", text, re.M))


def test_every_setting_is_known_to_the_code_or_the_platform() -> None:
    known = OF_THE_PLATFORM.union(*(variables(kind) for kind in OF_THE_CODE))
    unknown = {name for name in set_by_terraform() if name not in known and not TRIGGER.fullmatch(name)}
    assert unknown == set()


def test_everything_without_which_an_app_cannot_start_is_set() -> None:
    needed = {"TIDEMARK_ROLE", "TIDEMARK_AUTH_ISSUER", "TIDEMARK_AUTH_AUDIENCE", "TIDEMARK_AUTH_JWKS_URL"}
    needed |= {"COSMOS_ENDPOINT", "COSMOS_DATABASE", "AZURE_CLIENT_ID"}
    assert needed <= set_by_terraform()


def test_no_key_and_no_connection_string_is_set() -> None:
    assert not {name for name in set_by_terraform() if re.search(r"KEY$|SECRET|PASSWORD|CONNECTION_STRING$", name)}


def test_what_terraform_gives_makes_valid_settings() -> None:
    tenant = "https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000"
    for role in ("commands", "queries", "projectors"):
        settings = Settings(
            role=role,
            auth="entra",
            auth_issuer=f"{tenant}/v2.0",
            auth_audience="00000000-0000-0000-0000-00000000000a",
            auth_jwks_url=f"{tenant}/discovery/v2.0/keys",
        )
        assert settings.role == role
