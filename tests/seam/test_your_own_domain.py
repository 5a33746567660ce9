"""The two sentences of docs/layout.md, and docs/your-own-domain.md: the ledger is every folder called ledger/."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.seam.page import FILES, PAGE

ROOT = Path(__file__).parents[2]
NOTHING = '''"""A service of nothing."""

from functions.service import Service

SERVICE = Service("nothing")
'''


@pytest.fixture(scope="module")
def machinery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tracked files of the repository, without any ledger/."""
    folder = tmp_path_factory.mktemp("another") / "service"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        path = Path(name)
        if "ledger" not in path.parts and (ROOT / path).exists():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, folder / path)
    (folder / "service.py").unlink()
    return folder


_ONLY_THE_COPY = """
import runpy, sys
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in getattr(finder, "__module__", "")]
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
"""A checkout that is installed for development would be found as well, with its ledger."""


def run(folder: Path, *arguments: str) -> str:
    """A program of tests/seam in a process of its own, in which the copy is all that can be imported."""
    done = subprocess.run(
        [sys.executable, "-c", _ONLY_THE_COPY, *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": str(Path(sys.executable).parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_takes_under_sixty_lines_in_four_files() -> None:
    lines = [line for text in FILES.values() for line in text.splitlines()[1:] if line.strip()]
    assert len(lines) < 60
    assert list(FILES) == ["domain/parcels.py", "projectors/parcels.py", "functions/parcels.py", "service.py"]


def test_without_the_ledger_the_page_is_another_service(machinery: Path) -> None:
    for file, text in FILES.items():
        (machinery / file).write_text(text, encoding="utf-8")
    told = run(machinery, "tests.seam.without_a_ledger", "parcels")
    assert "every module imports" in told
    assert "session holds" in told
    assert "0 broken" in run(machinery, "tests.seam.contracts")


def test_a_service_of_nothing_starts(machinery: Path) -> None:
    (machinery / "service.py").write_text(NOTHING, encoding="utf-8")
    assert "ready" in run(machinery, "tests.seam.without_a_ledger", "nothing")


def test_the_page_names_places_that_there_are() -> None:
    named = set(re.findall(r"`((?:domain|projectors|functions|replay|audit|eventstore|tests)/[\w/.]*)`", PAGE))
    assert [path for path in sorted(named - set(FILES)) if not (ROOT / path).exists()] == []
