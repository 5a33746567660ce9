"""Every environment variable that Terraform sets is one that somebody reads."""

import re
from collections.abc import Iterable

from pydantic_settings import BaseSettings

from eventstore.cosmos.settings import CosmosSettings
from eventstore.personal import PersonalSettings
from functions.settings import Settings
from projectors.relay.settings import EventHubsSettings
from projectors.settings import WorkerSettings
from tests.infra.paths import ROOT, TERRAFORM

OF_THE_CODE: Iterable[type[BaseSettings]] = (
    Settings,
    PersonalSettings,
    CosmosSettings,
    EventHubsSettings,
    WorkerSettings,
)
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
    needed |= {"COSMOS_ENDPOINT", "COSMOS_DATABASE", "AZURE_CLIENT_ID", "TIDEMARK_MASTER_KEY_ID"}
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


def test_the_trigger_uses_the_connection_and_the_lease_container_that_terraform_makes() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "functions").rglob("*.py"))
    assert set(re.findall(r'\bconnection="(\w+)"', code)) == {"COSMOS_TRIGGER"}
    assert {name.split("__")[0] for name in set_by_terraform() if "__" in name} == {"COSMOS_TRIGGER"}
    assert '"trigger-leases"' in code
    assert "create_lease_container_if_not_exists=False" in code


def test_every_metric_that_an_alert_reads_is_reported_by_the_code() -> None:
    queries = (TERRAFORM / "modules" / "alerts" / "queries").glob("*.kql")
    read = {name for file in queries for name in re.findall(r'Name == "(tidemark\.[\w.]+)"', file.read_text())}
    assert read
    rooms = ("functions", "projectors", "replay", "audit", "eventstore")
    code = "\n".join(path.read_text() for room in rooms for path in (ROOT / room).rglob("*.py"))
    assert {name for name in read if f'"{name}"' not in code} == set()
