"""Every command of `tidemark replay` says what it does, with an example, and is described in docs/replay.md."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from cli.command_line import FAILED, INTERRUPTED, POISON, USAGE
from cli.replay.commands import app
from projectors.ledger import VIEWS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "replay.md").read_text()


def walk(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with its path; groups are only the way to them."""
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, child in command.commands.items():
        yield from walk(child, f"{path} {name}".strip())


COMMANDS = dict(walk(typer.main.get_command(app)))


def section(path: str) -> str:
    return re.split(r"^#+ ", PAGE.split(f"\n### {path}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize("path", sorted(COMMANDS))
def test_a_command_is_documented_with_every_option_and_its_example(path: str) -> None:
    command = COMMANDS[path]
    example = re.search(r"Example: (tidemark replay .+)", command.help)
    assert example, f"{path} has no example"
    assert example[1].startswith(f"tidemark replay {path}")
    text = section(path)
    assert f"    {example[1]}\n" in text
    options = {
        name for each in command.params for name in (*each.opts, *each.secondary_opts) if name.startswith("--")
    } - {"--help"}
    assert set(re.findall(r"`(--[a-z-]+)`", text)) == options
    for each in command.params:
        assert getattr(each, "help", None), (path, each.name)


def test_the_page_describes_no_command_that_there_is_not() -> None:
    headings = re.findall(r"^### (.+)$", PAGE, flags=re.MULTILINE)
    assert headings == list(dict.fromkeys(headings))
    assert set(headings) == set(COMMANDS)


def test_every_exit_code_is_documented() -> None:
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, flags=re.MULTILINE)}
    assert codes == {0, FAILED, USAGE, POISON, INTERRUPTED}


@pytest.mark.parametrize(
    ("typed", "word", "offered"),
    [
        ("tidemark replay rebuild ", 3, set(VIEWS)),
        ("tidemark replay rebuild --dry", 3, {"--dry-run"}),
    ],
)
def test_the_shell_completes_commands_options_and_views(typed: str, word: int, offered: set[str]) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "_TIDEMARK_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(word),
    }
    done = subprocess.run(
        [Path(sys.executable).parent / "tidemark"], env=environment, capture_output=True, text=True, check=False
    )
    assert set(done.stdout.split()) == offered, done.stderr
