"""The bootstrap script against an `az` that writes down what it is asked."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.infra.paths import ROOT

AZ = """#!/bin/sh
printf '%s\\037' "$@" >>'{log}'
printf '\\036' >>'{log}'
case "$*" in
"ad app list"*) echo '{existing}' ;;
*appRoles*--output\\ tsv) printf 'role-1\\nrole-2\\n' ;;
*--query*) echo "id-of-$1-$2" ;;
esac
"""  # each argument ends with a unit separator, each call with a record separator


class Bootstrap:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "calls"

    def run(self, *arguments: str, existing: str = "") -> str:
        tools = self._folder / "bin"
        tools.mkdir(exist_ok=True)
        self._tool(tools / "az", AZ.format(log=self._log, existing=existing))
        self._tool(tools / "uuidgen", "#!/bin/sh\necho 00000000-0000-0000-0000-0000000000ff\n")
        environment = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"}
        script = ROOT / "infra" / "bootstrap.sh"
        done = subprocess.run(["bash", script, *arguments], env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @staticmethod
    def _tool(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    @property
    def calls(self) -> list[list[str]]:
        return [call.split("\x1f")[:-1] for call in self._log.read_text().split("\x1e")[:-1]]

    def after(self, option: str, *command: str) -> list[str]:
        """The values of `option` in the calls of `command`."""
        calls = [call for call in self.calls if call[: len(command)] == list(command) and option in call]
        return [call[call.index(option) + 1] for call in calls]


@pytest.fixture
def bootstrap(tmp_path: Path) -> Bootstrap:
    return Bootstrap(tmp_path)


def test_it_prints_what_terraform_needs(bootstrap: Bootstrap) -> None:
    text = bootstrap.run("dev", "westeurope")
    assert 'api_client_id = "id-of-ad-app"' in text
    assert "terraform -chdir=infra/terraform init -backend-config=resource_group_name=tidemark-state-dev" in text
    assert "AZURE_CLIENT_ID" not in text


def test_what_it_sends_to_the_directory_is_json_with_the_roles_that_the_apps_check(bootstrap: Bootstrap) -> None:
    bootstrap.run("dev", "westeurope")
    bodies = [json.loads(body) for body in bootstrap.after("--body", "rest")]
    (application,) = [body for body in bodies if "appRoles" in body]
    assert application["api"]["requestedAccessTokenVersion"] == 2
    assert {role["value"] for role in application["appRoles"]} == {
        "Tidemark.Command",
        "Tidemark.Query",
        "Tidemark.Audit",
    }


def test_an_api_that_is_registered_is_kept(bootstrap: Bootstrap) -> None:
    text = bootstrap.run("dev", "westeurope", existing="known-client")
    assert 'api_client_id = "known-client"' in text
    assert not [call for call in bootstrap.calls if call[:3] == ["ad", "app", "create"]]


def test_the_state_accepts_no_key_and_keeps_old_versions(bootstrap: Bootstrap) -> None:
    bootstrap.run("dev", "westeurope")
    assert bootstrap.after("--allow-shared-key-access", "storage", "account", "create") == ["false"]
    assert bootstrap.after("--enable-versioning", "storage", "account", "blob-service-properties") == ["true"]


def test_without_a_repository_nobody_is_given_rights_over_the_subscription(bootstrap: Bootstrap) -> None:
    bootstrap.run("dev", "westeurope")
    assert bootstrap.after("--role", "role", "assignment") == ["Storage Blob Data Contributor"]


def test_the_deployer_trusts_one_environment_and_cannot_make_itself_owner(bootstrap: Bootstrap) -> None:
    text = bootstrap.run("dev", "westeurope", "team/ledger")
    assert bootstrap.after("--subject", "identity", "federated-credential") == ["repo:team/ledger:environment:dev"]
    roles = bootstrap.after("--role", "role", "assignment")
    assert not {"Owner", "User Access Administrator"} & set(roles)
    (conditional,) = [call for call in bootstrap.calls if "Role Based Access Control Administrator" in call]
    condition = conditional[conditional.index("--condition") + 1]
    assert condition.count("ForAnyOfAnyValues:GuidEquals {id-of-role-definition") == 2
    assert "AZURE_SUBSCRIPTION_ID id-of-account-show" in text


def test_it_says_how_it_is_used() -> None:
    done = subprocess.run(["bash", ROOT / "infra" / "bootstrap.sh"], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "usage: infra/bootstrap.sh ENVIRONMENT LOCATION" in done.stderr
