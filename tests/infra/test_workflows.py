"""The workflows: pinned actions, least rights, no secret, and the commands that exist."""

import re
from pathlib import Path

import pytest

from tests.infra.paths import ROOT, TERRAFORM, WORKFLOWS

FILES = sorted(WORKFLOWS.glob("*.yml"))


def test_there_are_four() -> None:
    assert [file.stem for file in FILES] == ["deploy", "release", "terraform", "test"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_action_is_pinned_to_a_commit_and_names_its_version(file: Path) -> None:
    uses = re.findall(r"uses: (.*)", file.read_text())
    assert uses
    assert [line for line in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_workflow_may_only_read_unless_a_job_says_why(file: Path) -> None:
    text = file.read_text()
    assert re.search(r"^permissions:\n  contents: read$", text, re.M)
    assert [line for line in re.findall(r".*: write.*", text) if "#" not in line and "attestations" not in line] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_workflow_has_a_secret(file: Path) -> None:
    assert "secrets." not in file.read_text()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_expression_is_pasted_into_a_script(file: Path) -> None:
    scripts = re.findall(r"run: \|\n((?:\s{10,}.*\n|\n)+)|run: (.*)", file.read_text())
    assert scripts
    assert [script for pair in scripts for script in pair if "${{" in script] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_job_can_run_for_ever(file: Path) -> None:
    text = file.read_text()
    assert text.count("timeout-minutes:") == text.count("runs-on:")


def test_every_environment_has_its_variables() -> None:
    text = (WORKFLOWS / "deploy.yml").read_text()
    options = re.search(r"options: \[(.*)\]", text)
    assert options is not None
    assert {name.strip() for name in options[1].split(",")} == {file.stem for file in (TERRAFORM / "envs").glob("*")}


def test_the_deployer_may_give_exactly_the_roles_that_terraform_gives() -> None:
    given = {
        name
        for file in TERRAFORM.rglob("*.tf")
        for name in re.findall(r'role_definition_name = "([^"]*)"', file.read_text())
    }
    block = re.search(r"GRANTABLE=\((.*?)\)", (ROOT / "infra" / "bootstrap.sh").read_text(), re.S)
    assert block is not None
    assert set(re.findall(r'"([^"]*)"', block[1])) == given


def test_the_workflows_set_the_variables_that_the_bootstrap_prints() -> None:
    printed = set(re.findall(r"^    ([A-Z_]+) +\$", (ROOT / "infra" / "bootstrap.sh").read_text(), re.M))
    used = {name for file in FILES for name in re.findall(r"vars\.([A-Z_]+)", file.read_text())}
    assert printed == used


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_make_target_and_module_that_a_workflow_runs_exists(file: Path) -> None:
    text = file.read_text()
    targets = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"\bmake (\w+)", text)) <= targets
    modules = re.findall(r"python -m ([\w.]+)", text)
    ours = [module for module in modules if module.split(".")[0] in ("functions", "infra", "replay")]
    assert [module for module in ours if not (ROOT / f"{module.replace('.', '/')}.py").exists()] == []


def test_the_apps_run_the_python_that_the_package_is_built_with() -> None:
    terraform = re.search(r'python_version\s+= "([\d.]+)"', (TERRAFORM / "main.tf").read_text())
    assert terraform is not None
    assert re.findall(r'python-version: "([\d.]+)"', (WORKFLOWS / "deploy.yml").read_text()) == [terraform[1]]
