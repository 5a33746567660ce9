"""Builds the three distributions of this repository: a wheel and a source archive of each, into dist/.

Each is built from a copy in an empty folder, so it holds what is here now and nothing of an earlier build.
`python -m infra.distributions`; docs/decisions/020-what-is-installed.md says which names they install.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

__all__ = ["DISTRIBUTIONS", "SERVICE", "build"]

ROOT: Final = Path(__file__).parents[1]
SERVICE: Final = "tidemark-ledger"
DISTRIBUTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "tidemark-eventstore": ("packages/eventstore", "eventstore"),
    "tidemark-local": ("packages/local", "localazure"),
}
"""Those beside the service: the folder of their metadata, and the room that they are."""

_BUILD: Final = """
import sys
from setuptools import build_meta
target = sys.argv[1]  # setuptools puts its own arguments there
build_meta.build_sdist(target)
build_meta.build_wheel(target)
"""
_EPOCH: Final = "315532800"  # 1980, the first moment that a zip can tell: the same contents give the same wheel
_NEVER: Final = shutil.ignore_patterns(
    ".*", "__pycache__", "*.egg-info", "build", "dist", "tests", "bench", "infra", "docs", "packages"
)


def build(target: Path, names: Iterable[str] = (SERVICE, *DISTRIBUTIONS)) -> list[Path]:
    """Write wheels and source archives into `target`; the wheels, in the order of `names`.

    Raises:
        subprocess.CalledProcessError: setuptools cannot build one; its standard error says why.
    """
    target.mkdir(parents=True, exist_ok=True)
    return [_build(name, target.resolve()) for name in names]


def _build(name: str, target: Path) -> Path:
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder) / name
        _stage(name, staged)
        subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", _BUILD, str(target)],
            cwd=staged,
            env={"SOURCE_DATE_EPOCH": _EPOCH, **os.environ},
            stdout=subprocess.DEVNULL,
            check=True,
        )
    (wheel,) = target.glob(f"{name.replace('-', '_')}-*.whl")
    return wheel


def _stage(name: str, folder: Path) -> None:
    if name == SERVICE:
        shutil.copytree(ROOT, folder, ignore=_NEVER)
        return
    metadata, room = DISTRIBUTIONS[name]
    shutil.copytree(ROOT / metadata, folder, ignore=_NEVER)
    shutil.copytree(ROOT / room, folder / room, ignore=_NEVER)
    shutil.copy(ROOT / "LICENSE", folder)


if __name__ == "__main__":
    for wheel in build(ROOT / "dist"):
        print(wheel.relative_to(ROOT))  # noqa: T201
