"""Every command says what it does, with an example; what only developers have is not needed to answer that."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from cli.main import app

TIDEMARK = str(Path(sys.executable).with_name("tidemark"))


def commands() -> Iterator[tuple[str, str]]:
    """Name and help of every command, groups opened."""
    waiting = [("tidemark", typer.main.get_command(app))]
    while waiting:
        name, command = waiting.pop()
        if not isinstance(command, TyperGroup):
            yield name, command.help or ""
            continue
        context = typer.Context(command)
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            waiting.append((f"{name} {child}", found))


@pytest.mark.parametrize(
    ("name", "text"), list(commands()), ids=lambda value: value if value.startswith("tidemark") else ""
)
def test_every_command_says_what_it_does_with_an_example(name: str, text: str) -> None:
    assert text.splitlines()[0].endswith((".", ":")), name
    assert f"Example: {name}" in text or f" {name}" in text.partition("Example:")[2], name


def test_the_commands_are_those_that_the_service_needs() -> None:
    names = {name for name, _ in commands()}
    assert {
        "tidemark up",
        "tidemark import",
        "tidemark serve",
        "tidemark work",
        "tidemark tail",
        "tidemark replay rebuild",
        "tidemark replay status",
        "tidemark emulator cosmos",
        "tidemark emulator eventhubs",
    } <= names


DEPLOYED = """
import sys
sys.modules["devkit"] = sys.modules["localazure"] = None
from tidemark import main
main()
"""


def test_a_deployed_command_line_needs_no_devkit_and_no_local_server() -> None:
    command = [sys.executable, "-c", DEPLOYED]
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage: " in done.stdout
    open_to_all = [*command, "serve", "queries", "--host", "0.0.0.0"]
    done = subprocess.run(open_to_all, capture_output=True, text=True, check=False, env={"TIDEMARK_AUTH": "none"})
    assert (done.returncode, done.stderr.count("\n"), done.stderr[:9]) == (1, 1, "tidemark:"), done.stderr


def test_a_hub_that_is_not_configured_is_one_clear_line() -> None:
    done = subprocess.run([TIDEMARK, "tail"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "EVENTHUBS_CONNECTION_STRING" in done.stderr
