"""Settings: every variable documented, a wrong one named in one line."""

import json
import os
import re

import pytest
from pydantic_settings import BaseSettings

from eventstore.cosmos.settings import CosmosSettings
from eventstore.environment import load
from eventstore.errors import SettingsError
from eventstore.personal import PersonalSettings
from functions.settings import Settings, is_loopback
from infra.package.build import HERE, ROOT
from projectors.ledger.processes import ProcessSettings
from projectors.relay import EventHubsSettings
from projectors.settings import WorkerSettings


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TIDEMARK_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("TIDEMARK_ROLE", "writer", "TIDEMARK_ROLE: input should be 'commands', 'queries', 'projectors' or 'all'"),
        ("TIDEMARK_AUTH", "off", "TIDEMARK_AUTH: input should be 'entra' or 'none'"),
        ("TIDEMARK_MAX_BODY_BYTES", "1", "TIDEMARK_MAX_BODY_BYTES: input should be greater than or equal to 1024"),
        ("TIDEMARK_MAX_WAIT_MS", "soon", "TIDEMARK_MAX_WAIT_MS: input should be a valid integer"),
        ("TIDEMARK_LOG_LEVEL", "loud", "TIDEMARK_LOG_LEVEL: input should be"),
    ],
)
def test_a_wrong_value_names_its_variable_in_one_line(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as raised:
        load(Settings)
    assert str(raised.value).startswith(expected)
    assert "\n" not in str(raised.value)


KINDS: list[type[BaseSettings]] = [
    Settings,
    PersonalSettings,
    CosmosSettings,
    EventHubsSettings,
    WorkerSettings,
    ProcessSettings,
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_variable_is_documented_with_its_default(kind: type[BaseSettings]) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.*?) \|$", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
    documented = {name: default.strip("`") for name, _, default in rows}
    for name, field in kind.model_fields.items():
        variable = f"{kind.model_config.get('env_prefix', '')}{name}".upper()
        assert variable in documented
        assert field.default is None or documented[variable] == str(field.default), variable


def test_the_example_file_has_what_the_apps_need() -> None:
    example = json.loads((HERE / "local.settings.json.example").read_text())["Values"]
    needed = {f"TIDEMARK_{name.upper()}" for kind in (Settings, PersonalSettings) for name in kind.model_fields}
    assert needed <= set(example)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("0.0.0.0", False), ("x", False)],
)
def test_loopback_is_what_other_machines_cannot_reach(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
