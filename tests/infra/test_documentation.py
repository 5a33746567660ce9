"""The pages about the infrastructure name what is there."""

import json
import re

import pytest

from localazure.cosmos import LocalCosmos
from tests.infra.apps import Apps
from tests.infra.authority import Account
from tests.infra.paths import ROOT, TERRAFORM

README = (TERRAFORM / "README.md").read_text()


def declared(kind: str) -> set[str]:
    return {name for file in TERRAFORM.glob("*.tf") for name in re.findall(rf'^{kind} "(\w+)"', file.read_text(), re.M)}


def in_table(heading: str) -> set[str]:
    section = README[README.index(f"## {heading}") :].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_the_readme_lists_every_variable() -> None:
    assert in_table("Variables") == declared("variable")


def test_the_readme_lists_every_output() -> None:
    assert in_table("Outputs") == declared("output")


def test_the_readme_says_which_variables_are_required() -> None:
    texts = "\n".join(file.read_text() for file in TERRAFORM.glob("variables*.tf"))
    blocks = re.split(r"^variable ", texts, flags=re.M)[1:]
    required = {block.split('"')[1] for block in blocks if not re.search(r"^  default\s", block, re.M)}
    listed = {line.split("`")[1] for line in README.splitlines() if re.match(r"\| `\w+` \| required ", line)}
    assert listed == required


@pytest.mark.parametrize("page", ["infra/terraform/README.md", "docs/operations.md"])
def test_every_path_that_a_page_names_exists(page: str) -> None:
    text = (ROOT / page).read_text()
    names = re.findall(r"`((?:infra|docs|modules|policies|openapi|envs|tests)/[\w./-]+)`", text)
    missing = [name for name in names if not any((base / name).exists() for base in (ROOT, TERRAFORM))]
    assert missing == []


def test_every_output_that_the_operations_page_reads_exists() -> None:
    read = set(
        re.findall(
            r"terraform(?: -chdir=\S+)? output (?:-raw |-json )?(\w+)", (ROOT / "docs/operations.md").read_text()
        )
    )
    assert read
    assert read <= declared("output")


def test_every_alert_has_its_paragraph_in_the_operations_page() -> None:
    alerts = (TERRAFORM / "modules" / "alerts" / "main.tf").read_text()
    names = re.findall(r"^    (\w+) = \{\n      severity", alerts, re.M)
    text = (ROOT / "docs/operations.md").read_text()
    assert len(names) == 6
    assert [name for name in names if f"**{name}**" not in text] == []


def test_the_readme_lists_every_metric_that_a_query_reads_with_its_attributes() -> None:
    queries = (TERRAFORM / "modules" / "alerts" / "queries").glob("*.kql")
    texts = [text for file in queries if "AppMetrics" in (text := file.read_text())]
    section = README[README.index("## Metrics that") :].split("\n## ")[0]
    rows = {
        name: set(re.findall(r"`([^`]+)`", rest)) for name, rest in re.findall(r"^\| `([^`]+)` \|(.*)", section, re.M)
    }
    read: dict[str, set[str]] = {}
    for text in texts:
        (name,) = re.findall(r'Name == "([^"]+)"', text)
        read.setdefault(name, set()).update(re.findall(r'Properties(?:\.|\[")([\w.]+)', text))
    assert rows == read


def test_azd_gives_every_variable_that_is_required_and_no_other() -> None:
    given = set(json.loads((TERRAFORM / "main.tfvars.json").read_text()))
    required = {line.split("`")[1] for line in README.splitlines() if re.match(r"\| `\w+` \| required ", line)}
    assert required <= given <= declared("variable")


def test_the_operations_page_sets_every_variable_that_azd_fills_in() -> None:
    filled = set(re.findall(r"\$\{(TIDEMARK_\w+)\}", (TERRAFORM / "main.tfvars.json").read_text()))
    assert filled == set(re.findall(r"azd env set (\w+)", (ROOT / "docs/operations.md").read_text()))


def test_azd_deploys_the_apps_that_terraform_tags_for_it() -> None:
    services = (ROOT / "azure.yaml").read_text().split("services:\n")[1]
    roles = (TERRAFORM / "main.tf").read_text().split("  roles = {\n")[1].split("  }\n")[0]
    assert set(re.findall(r"^  (\w+):", services, re.M)) == set(re.findall(r"^    (\w+) +=", roles, re.M))


async def test_the_first_deposit_of_the_operations_page_works_as_it_stands(cosmos: LocalCosmos, database: str) -> None:
    text = (ROOT / "docs/operations.md").read_text()
    first_line, second_line = r"""curl -i -X POST "\$url(\S+)" .*'Idempotency-Key: ([\w-]+)'""", r"""json' -d '(.*)'"""
    commands = re.findall(rf"{first_line} .*\n.*{second_line}", text)
    assert [path for path, _, _ in commands] == ["/accounts", "/accounts/alice/deposits"]
    apps = Apps(Account(cosmos), database)
    for path, key, body in commands:
        await apps.command(path, key, json.loads(body), 201)
    apps.project()
    (query,) = re.findall(r'curl -i "\$url(\S+)"', text)
    assert (await apps.query(query))["balance"] == 500
