"""docs/your-own-domain.md is true: what it writes works, is as short as it says, and goes where it says."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.seam.parcels import FILES, NAMES, PAGE, ROOT


def test_what_the_page_says_is_what_happens() -> None:
    program = Path(__file__).with_name("parcels.py")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(program)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "2 passed" in finished.stdout


def test_it_takes_under_sixty_lines_in_three_places() -> None:
    lines = [line for text in FILES.values() for line in text.splitlines()[1:] if line.strip()]
    assert len(lines) < 60
    assert list(FILES) == ["domain/parcel.py", "projectors/views/parcels.py", "functions/parcels.py"]


def test_every_name_goes_where_there_is_such_a_place() -> None:
    assert len(NAMES) == 4
    for constant, file, _ in NAMES:
        text = (ROOT / file).read_text(encoding="utf-8")
        assert re.search(rf"^{constant}: " if constant else r"\.router[,\]]", text, re.M), file


def test_nothing_knows_the_ledger_but_what_the_page_names() -> None:
    section = PAGE.split("\n## Taking the ledger out\n")[1]
    named = re.findall(r"`((?:domain|projectors|functions|replay)/[\w/.]*)`", section)
    assert all((ROOT / path).exists() for path in named)
    strays = [file for file in sorted(_knowing_the_ledger()) if not file.startswith(tuple(named))]
    assert strays == []


def _knowing_the_ledger() -> Iterator[str]:
    """Files of the product that import modules of the domain which the page does not keep, or what builds on them."""
    kept = ("domain.aggregate", "domain.errors", "domain.state", "domain.parcel")
    for room in ("domain", "eventstore", "projectors", "replay", "functions"):
        for path in (ROOT / room).rglob("*.py"):
            modules = {
                node.module
                for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                if isinstance(node, ast.ImportFrom) and node.module
            }
            if any(m.startswith(("domain", "projectors.ledger.processes")) and m not in kept for m in modules):
                yield str(path.relative_to(ROOT))
