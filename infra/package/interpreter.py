"""A Python that runs the function app: found on this machine, with an environment of its own."""

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

__all__ = ["RUNTIME", "NoInterpreter", "environment", "find"]

LEAST = (3, 13)
RUNTIME = "azure-functions-runtime==1.3.0"
_NAMES = ("python3.13", "python3.14")


class NoInterpreter(Exception):
    """There is no Python that the worker's code runs on, or its packages cannot be had."""


def find() -> Path:
    """The path of a Python of at least LEAST. Raises NoInterpreter."""
    for candidate in _candidates():
        probe = "import sys, ensurepip; print(sys.version_info[:2] >= (3, 13))"
        answer = subprocess.run([candidate, "-c", probe], capture_output=True, text=True, check=False)  # noqa: S603
        if answer.stdout.strip() == "True":
            return Path(candidate)
    raise NoInterpreter(f"no Python {LEAST[0]}.{LEAST[1]} or newer on PATH or under ~/.pyenv/versions")


def environment(folder: Path, requirements: Path | None) -> Path:
    """The interpreter of a virtual environment in `folder` with RUNTIME and `requirements`; made once, then kept.

    Raises:
        NoInterpreter: there is no Python to make it with, or the packages cannot be installed.
    """
    python = find()
    wanted = hashlib.sha256(RUNTIME.encode() + (requirements.read_bytes() if requirements else b"")).hexdigest()[:12]
    place = folder / f"functions-{wanted}"
    if not (place / "complete").exists():
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run([str(python), "-m", "venv", str(place)], check=True)  # noqa: S603
        _install(place, ["--no-deps", "--require-hashes", "-r", str(requirements)] if requirements else [])
        _install(place, [RUNTIME])
        (place / "complete").touch()
    return place / "bin" / "python"


def _install(place: Path, arguments: list[str]) -> None:
    command = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if not arguments:
        return
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise NoInterpreter(f"pip cannot install {' '.join(arguments)}: {done.stderr.strip().splitlines()[-1]}")


def _candidates() -> Iterator[str]:
    for name in _NAMES:
        path = shutil.which(name)
        if path is not None:
            yield path
    for version in sorted((Path.home() / ".pyenv" / "versions").glob("3.1[3-9]*")):
        yield str(version / "bin" / "python3")
