"""Builds the zip that is deployed.

At the zip's root lie function_app.py, host.json, requirements.txt, .funcignore and the rooms that run in Azure: no
devkit, no tests, no command line. With `python`, an interpreter of the version that the function app runs, the
dependencies are in it too, as wheels for Linux x86-64 under .python_packages; without it the deployment has to build
them (`az functionapp deployment source config-zip --build-remote true`).
"""

import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

__all__ = ["ROOMS", "build"]

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
ROOMS = ("domain", "eventstore", "projectors", "replay", "audit", "functions")
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
DEPENDENCIES = Path(".python_packages/lib/site-packages")
_SKIPPED = shutil.ignore_patterns("__pycache__")
_EPOCH = (1980, 1, 1, 0, 0, 0)


def build(target: Path, *, python: str | None = None) -> None:
    """Write the zip; the same contents give the same bytes.

    Raises:
        subprocess.CalledProcessError: the dependencies cannot be had as wheels.
    """
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder)
        for room in ROOMS:
            shutil.copytree(ROOT / room, staged / room, ignore=_SKIPPED)
        for name in ("function_app.py", "service.py"):
            shutil.copy(ROOT / name, staged)
        for name in ("host.json", ".funcignore"):
            shutil.copy(HERE / name, staged)
        shutil.copy(ROOT / "requirements.lock", staged / "requirements.txt")
        if python is not None:
            _install(python, staged / DEPENDENCIES)
        _zip(staged, target)


def _install(python: str, folder: Path) -> None:
    platforms = [option for platform in PLATFORMS for option in ("--platform", platform)]
    command = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "--no-deps",
    ]
    command += ["--only-binary", ":all:", *platforms, "--target", str(folder), "-r", str(ROOT / "requirements.lock")]
    subprocess.run(command, check=True)  # noqa: S603 - an interpreter that the caller names
    for cache in folder.rglob("__pycache__"):
        shutil.rmtree(cache)


def _zip(folder: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
