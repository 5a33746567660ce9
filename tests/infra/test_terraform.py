"""The Terraform code by Terraform itself: its form always, the rest where the providers are installed."""

import re
import shutil
import subprocess

import pytest

from tests.infra.paths import TERRAFORM

needs_terraform = pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
needs_providers = pytest.mark.skipif(
    not (TERRAFORM / ".terraform" / "providers").is_dir(),
    reason="the providers are not installed: terraform -chdir=infra/terraform init -backend=false",
)


def terraform(*arguments: str) -> None:
    done = subprocess.run(["terraform", *arguments], cwd=TERRAFORM, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_terraform
def test_it_is_formatted() -> None:
    terraform("fmt", "-check", "-recursive", "-no-color")


@needs_terraform
@needs_providers
def test_it_is_valid() -> None:
    terraform("validate", "-no-color")


@needs_terraform
@needs_providers
@pytest.mark.parametrize("directory", ["tests", "tests/private"])
def test_its_own_tests_pass(directory: str) -> None:
    terraform("test", "-no-color", f"-test-directory={directory}")


def test_no_file_is_longer_than_one_can_read() -> None:
    long = {f.name: n for f in TERRAFORM.rglob("*.tf") if (n := len(f.read_text().splitlines())) > 250}
    assert long == {}


def test_every_alert_and_panel_has_its_query_and_every_query_its_use() -> None:
    module = TERRAFORM / "modules" / "alerts"
    text = (module / "main.tf").read_text()
    block = text[text.index("log_alerts = {") : text.index("skip_query_validation = true")]
    alerts = set(re.findall(r"^    (\w+) = \{$", block, re.M))
    panels = set(re.findall(r'query = "(\w+)"', text))
    assert {"lag", "deadletters", "throttled", "verify", "transfers"} <= alerts
    assert {file.stem for file in (module / "queries").glob("*.kql")} == alerts | panels


def test_every_measure_of_an_alert_is_a_column_of_its_query() -> None:
    module = TERRAFORM / "modules" / "alerts"
    text = (module / "main.tf").read_text()
    rules = re.findall(
        r'^    (\w+) = \{\n.*?measure\s+= (?:"(\w+)"|null)\n.*?dimension\s+= (?:"(\w+)"|null)', text, re.M | re.S
    )
    assert len(rules) == 6
    for name, *columns in rules:
        query = (module / "queries" / f"{name}.kql").read_text()
        assert all(re.search(rf"\b{column} = ", query) for column in columns if column), name


def test_accounts_and_namespaces_accept_no_keys() -> None:
    code = "\n".join(file.read_text() for file in TERRAFORM.rglob("*.tf"))
    for line in (
        "local_authentication_disabled      = true",  # Cosmos DB
        "local_authentication_disabled = true",  # Application Insights
        "local_authentication_enabled  = false",  # Event Hubs
        "local_authentication_enabled = false",  # Log Analytics
        "shared_access_key_enabled         = false",  # storage
    ):
        assert line in code
    assert not re.search(r"\b(primary|secondary)_(access_)?key\b|connection_string\s+=\s+azurerm_cosmos", code)


def test_checkov_exceptions_carry_their_reason() -> None:
    exceptions = [e for file in TERRAFORM.rglob("*.tf") for e in re.findall(r"#checkov:skip=(.*)", file.read_text())]
    assert exceptions
    assert all(len(e.partition(":")[2]) > 15 for e in exceptions)
