"""Runs Microsoft's own tests of azure-cosmos against the local Cosmos DB server.

    python tests/localazure/conformance/cosmos_conformance.py [--list FILE] [--files PATTERN] [-- pytest arguments]

The tests come from the SDK's source distribution and run in an environment of their own; both are kept in the user's
cache directory. Every test file gets a process of its own, because a failing test of this suite can leave the SDK
patched. The server runs in this process, in memory. The last line is "conformance: P passed of N"; the exit status is
0 when P is N.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path

from localazure.cosmos import EMULATOR_KEY, LocalCosmos, serve

SDK = "azure-cosmos==4.17.1"
SOURCE = "azure_cosmos-4.17.1"
TOOLS = ("aiohttp<4", "azure-identity<2", "pytest>=8,<10", "pytest-asyncio>=1,<2", "pytest-timeout>=2,<3")
HERE = Path(__file__).parent
SLOWEST_TEST = 300

CREDENTIAL = '''"""Stands in for a test helper of Microsoft that is not distributed: the key is the credential."""

import os


def get_credential(is_async=False, **_):
    return os.environ["ACCOUNT_KEY"]
'''
LIVE = '''"""The tests that talk to an account are to be run."""


def is_live():
    return True
'''


def cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "tidemark" / "cosmos-conformance"


def is_prepared() -> bool:
    """Whether the tests are on this machine already."""
    return (cache() / SOURCE / "tests").is_dir()


def prepare(root: Path) -> tuple[Path, Path]:
    """The interpreter with the SDK and the directory with its tests; made on first use."""
    python, tests = root / "venv" / "bin" / "python", root / SOURCE / "tests"
    if not tests.is_dir():
        shutil.rmtree(root, ignore_errors=True)
        venv.create(root / "venv", with_pip=True)
        pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", SDK, *TOOLS], check=True)
        subprocess.run([*pip, "download", "--no-deps", "--no-binary", "azure-cosmos", "-d", root, SDK], check=True)
        with tarfile.open(root / f"{SOURCE}.tar.gz") as archive:
            archive.extractall(root, filter="data")
    return python, tests


def working_copy(tests: Path, folder: Path) -> Path:
    """The tests with what their distribution leaves out."""
    copy = folder / "tests"
    shutil.copytree(tests, copy)
    helpers = copy / "devtools_testutils"
    helpers.mkdir()
    (helpers / "__init__.py").touch()
    (helpers / "azure_recorded_testcase.py").write_text(CREDENTIAL)
    (helpers / "helpers.py").write_text(LIVE)
    (copy / "pytest.ini").write_text("[pytest]\nasyncio_mode = strict\nfilterwarnings = ignore\n")
    return copy


def passed(report: Path, file: str) -> set[str]:
    """Node ids, without parameters, of which one case passed and none failed."""
    states: dict[str, set[str]] = defaultdict(set)
    cases = ElementTree.parse(report).iter("testcase") if report.exists() else ()
    for case in cases:
        names = case.get("classname", "").split(".")
        inner = names[names.index(Path(file).stem) + 1 :]
        node = "::".join([file, *inner, case.get("name", "").split("[")[0]])
        bad = [kind for kind in ("failure", "error", "skipped") if case.find(kind) is not None]
        states[node].add(bad[0] if bad else "passed")
    return {node for node, seen in states.items() if "passed" in seen and not seen & {"failure", "error"}}


def run(python: Path, tests: Path, ids: list[str], extra: list[str]) -> int:
    """Runs the tests against a fresh server and returns how many passed."""
    files: dict[str, list[str]] = defaultdict(list)
    for node in ids:
        files[node.split("::")[0]].append(node)
    count = 0
    with tempfile.TemporaryDirectory() as scratch, LocalCosmos() as cosmos, serve(cosmos) as server:
        copy = working_copy(tests, Path(scratch))
        account = {"ACCOUNT_HOST": server.endpoint, "ACCOUNT_KEY": EMULATOR_KEY, "PYTHONDONTWRITEBYTECODE": "1"}
        for file, nodes in files.items():
            report = Path(scratch) / f"{file}.xml"
            pytest = [str(python), "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider"]
            subprocess.run(
                [*pytest, f"--timeout={SLOWEST_TEST}", f"--junitxml={report}", *extra, *nodes],
                cwd=copy,
                env={**os.environ, **account},
                check=False,
            )
            done = passed(report, file)
            for node in sorted(set(nodes) - done):
                print(f"not passed: {node}")
            count += len(done & set(nodes))
    return count


def listed(path: Path, pattern: str) -> list[str]:
    """The node ids of a list whose file matches a pattern."""
    lines = [line.strip() for line in path.read_text().splitlines()]
    ids = [line for line in lines if line and not line.startswith("#")]
    return [node for node in ids if fnmatch.fnmatch(node.split("::")[0], pattern)]


def main() -> int:
    parser = argparse.ArgumentParser(description="Microsoft's azure-cosmos tests against the local server")
    parser.add_argument("--list", type=Path, default=HERE / "cosmos.txt", help="node ids, one a line")
    parser.add_argument("--files", default="*", help="only test files of this pattern")
    parser.add_argument("extra", nargs="*", help="pytest arguments, behind --")
    options = parser.parse_args()
    ids = listed(options.list, options.files)
    count = run(*prepare(cache()), ids, options.extra)
    print(f"conformance: {count} passed of {len(ids)}")
    return 0 if ids and count == len(ids) else 1


if __name__ == "__main__":
    sys.exit(main())
