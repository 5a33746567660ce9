"""Runs Microsoft's own live tests of azure-eventhub against the local Event Hubs server.

    python tests/localazure/conformance/eventhubs_conformance.py [--list FILE] [--workers N] [-- pytest arguments]

The tests come from the SDK's source distribution and run in an environment of their own; both are kept in the user's
cache directory. The server runs in this process, with its data in a temporary directory. Most tests only wait, so
many run at a time. The last line is "conformance: P passed of N"; the exit status is 0 when P is N.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from localazure.eventhubs import LocalEventHubs, serve

SDK = "azure-eventhub==5.15.1"
SOURCE = "azure_eventhub-5.15.1"
TOOLS = ("aiohttp<4", "pytest>=8,<10", "pytest-asyncio>=1,<2", "pytest-timeout>=2,<3", "pytest-xdist>=3,<4")
HERE = Path(__file__).parent
PARTITIONS = 2
SLOWEST_TEST = 420


def cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "tidemark" / "eventhubs-conformance"


def prepare(root: Path) -> tuple[Path, Path]:
    """The interpreter with the SDK and the directory with its tests; made on first use."""
    python, tests = root / "venv" / "bin" / "python", root / SOURCE / "tests"
    if not tests.is_dir():
        shutil.rmtree(root, ignore_errors=True)
        venv.create(root / "venv", with_pip=True)
        pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", SDK, *TOOLS], check=True)
        subprocess.run([*pip, "download", "--no-deps", "--no-binary", "azure-eventhub", "-d", root, SDK], check=True)
        with tarfile.open(root / f"{SOURCE}.tar.gz") as archive:
            archive.extractall(root, filter="data")
    return python, tests


def passed(report: Path) -> int:
    """How many test cases of a JUnit report neither failed nor were skipped."""
    cases = ElementTree.parse(report).iter("testcase")
    return sum(
        case.find("failure") is None and case.find("error") is None and case.find("skipped") is None for case in cases
    )


def run(python: Path, tests: Path, ids: list[str], workers: int, extra: list[str]) -> int:
    """Runs the tests against a fresh server and returns how many passed."""
    with tempfile.TemporaryDirectory() as scratch:
        copy, report = Path(scratch) / "tests", Path(scratch) / "report.xml"
        shutil.copytree(tests, copy)
        shutil.copy(HERE / "eventhubs_conftest.py", copy / "conftest.py")
        (copy / "pytest.ini").write_text("[pytest]\nasyncio_mode = strict\n")
        hubs = LocalEventHubs(Path(scratch) / "data", auto_create={"eh-conf-*": PARTITIONS})
        with hubs, serve(hubs) as server:
            subprocess.run(
                [
                    *(str(python), "-m", "pytest", "-q", "-rfEs", "--tb=short", "-p", "no:cacheprovider"),
                    *("-n", str(workers), "--dist", "worksteal", f"--timeout={SLOWEST_TEST}"),
                    *(f"--junitxml={report}", *extra, *ids),
                ],
                cwd=copy,
                env={**os.environ, "EVENTHUBS": server.connection_string(), "PYTHONDONTWRITEBYTECODE": "1"},
                check=False,
            )
        return passed(report)


def main() -> int:
    parser = argparse.ArgumentParser(description="Microsoft's azure-eventhub tests against the local server")
    parser.add_argument("--list", type=Path, default=HERE / "eventhubs.txt", help="node ids, one a line")
    parser.add_argument("--workers", type=int, default=16, help="tests at a time")
    parser.add_argument("extra", nargs="*", help="pytest arguments, behind --")
    options = parser.parse_args()
    lines = [line.strip() for line in options.list.read_text().splitlines()]
    ids = [line for line in lines if line and not line.startswith("#")]
    count = run(*prepare(cache()), ids, options.workers, options.extra)
    print(f"conformance: {count} passed of {len(ids)}")
    return 0 if count == len(ids) else 1


if __name__ == "__main__":
    sys.exit(main())
