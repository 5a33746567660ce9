"""Proves the zip.

Unpacks it into an empty folder and runs it with the code of the real Python worker, in an environment that holds that
worker and nothing else: every role has to index and to answer, and neither devkit nor tests may be in it.
"""

import json
import os
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eventstore.personal import FileKey

__all__ = ["EXPECTED", "NotProven", "contents", "prove", "run"]

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).parent / "worker.py"
_PROJECTORS = {
    "tick": ["timerTrigger"],
    "upkeep": ["timerTrigger"],
    "verify": ["timerTrigger"],
    "wake": ["cosmosDBTrigger"],
}
EXPECTED: Mapping[str, Mapping[str, list[str]]] = {
    "commands": {"http": ["http", "httpTrigger"]},
    "queries": {"http": ["http", "httpTrigger"]},
    "projectors": _PROJECTORS,
    "all": {"http": ["http", "httpTrigger"], **_PROJECTORS},
}
_SETTINGS = {
    "TIDEMARK_AUTH_ISSUER": "https://login.example/v2.0",
    "TIDEMARK_AUTH_AUDIENCE": "api",
    "TIDEMARK_AUTH_JWKS_URL": "http://127.0.0.1:9/keys",
    "COSMOS_DATABASE": "tidemark",
}
_NEVER = (
    "devkit/",
    "tests/",
    "bench/",
    "docs/",
    "infra/",
    "functions/packaging/",
    "cli/main.py",
    "local.settings.json",
)


class NotProven(Exception):
    """The zip is not what may be deployed; the message says why."""


def contents(package: Path) -> list[str]:
    """The names in the zip. Raises NotProven for what must not be deployed, and for what is missing."""
    with zipfile.ZipFile(package) as archive:
        names = archive.namelist()
    wrong = [name for name in names if name.startswith(_NEVER)]
    missing = {"function_app.py", "host.json", "requirements.txt"} - set(names)
    if wrong or missing:
        raise NotProven(f"{package}: must not hold {wrong[:5]}, must hold {sorted(missing)}")
    return names


def run(python: Path, folder: Path, plan: Sequence[Mapping[str, Any]], settings: Mapping[str, str]) -> dict[str, Any]:
    """Index the app in `folder` and invoke its functions. Raises NotProven when the worker itself fails."""
    done = subprocess.run(  # noqa: S603 - an interpreter of our own environment
        [str(python), "-I", str(WORKER), str(folder)],
        input=json.dumps(list(plan)),
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], **settings},
        check=False,
    )
    if done.returncode:
        raise NotProven(done.stderr.strip().splitlines()[-1])
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def prove(package: Path, python: Path, cosmos: str) -> dict[str, float]:
    """Seconds that each role needs to start, index and answer once, against the database at `cosmos`.

    Raises:
        NotProven: a role lacks a function, or does not answer as it should.
    """
    contents(package)
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(package) as archive:
            archive.extractall(folder)
        master = Path(folder) / "master.key"
        FileKey.read_or_make(master)
        for role, functions in EXPECTED.items():
            started = time.perf_counter()
            live = {"function": "http", "http": {"method": "GET", "url": "https://host/health/live"}}
            plan = [live] if "http" in functions else [{"function": "tick", "json": "{}"}]
            settings = {**_SETTINGS, "COSMOS_ENDPOINT": cosmos, "TIDEMARK_ROLE": role}
            settings["TIDEMARK_MASTER_KEY_ID"] = str(master)
            result = run(python, Path(folder), plan, settings)
            if result["functions"] != functions:
                raise NotProven(f"role {role} has {result['functions']}, not {functions}: {result.get('error')}")
            answer = result["results"][0]
            if not answer["ok"] or answer.get("status", 200) != 200:
                raise NotProven(f"role {role} does not answer: {answer}")
            seconds[role] = time.perf_counter() - started
    return seconds
