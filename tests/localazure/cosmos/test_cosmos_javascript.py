"""A client in another language: Microsoft's JavaScript SDK, installed by npm into a cache of its own."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from localazure.cosmos import EMULATOR_KEY, LocalCosmos, serve

PACKAGE = "@azure/cosmos@4.10.1"
PROGRAM = Path(__file__).with_name("client.js")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tidemark" / "javascript"


@pytest.fixture(scope="module")
def modules() -> Path:
    """The folder that holds the SDK; installed once per machine."""
    # Tidemark needs no Node: a machine without it, or without npm's packages, says so and tests the rest.
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed, so the JavaScript SDK cannot be run")
    folder = CACHE / PACKAGE.rsplit("@", 1)[1]
    if not (folder / "installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        install = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), PACKAGE]
        try:
            done = subprocess.run(install, capture_output=True, text=True, timeout=90, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip(f"npm did not install {PACKAGE} within 90 seconds")
        if done.returncode != 0:
            pytest.skip(f"npm could not install {PACKAGE}: {done.stderr.strip().splitlines()[-1:]}")
        (folder / "installed").touch()
    return folder / "node_modules"


def test_the_javascript_sdk_creates_queries_and_follows_the_change_feed(cosmos: LocalCosmos, modules: Path) -> None:
    with serve(cosmos) as server:
        done = subprocess.run(
            ["node", str(PROGRAM), server.endpoint, EMULATOR_KEY],
            env={**os.environ, "NODE_PATH": str(modules)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "inPartition": ["i2", "i4"],
        "sorted": [4, 3, 2, 1, 0],
        "counted": [5],
        "grouped": [["even", 3], ["odd", 2]],
        "columns": [{"n": 5, "m": 4}],
        "batch": [201, 201],
        "bulk": [201, 409],
        "stopped": [409, 424],
        "patched": 11,
        "changes": ["b1", "b2", "i0", "i1", "i2", "i3", "i4", "x1"],
    }
