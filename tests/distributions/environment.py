"""Empty environments that hold a wheel and what it asks for, and nothing of the repository.

No package index is asked: the dependencies that the wheels' metadata names, and that these name in turn, are linked
from the environment of the tests, which holds the locked versions. What is not named is not there.
"""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path
from zipfile import Path as InZip

from packaging.requirements import Requirement

TIMEOUT = 60


@dataclass(frozen=True)
class Environment:
    """A virtual environment of its own."""

    folder: Path

    @property
    def packages(self) -> Path:
        return Path(sysconfig.get_path("purelib", "venv", {"base": str(self.folder)}))

    def command(self, name: str) -> str:
        return str(self.folder / "bin" / name)

    def variables(self, **more: str) -> dict[str, str]:
        """What a fresh shell would have, and nothing of the tests'."""
        return {"PATH": f"{self.folder / 'bin'}:{os.defpath}", "HOME": str(self.folder), **more}

    def run(self, name: str, *arguments: str, cwd: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of the environment to its end."""
        return subprocess.run(
            [self.command(name), *arguments],
            cwd=cwd,
            env=self.variables(**variables),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )

    def install(self, *wheels: Path) -> None:
        """Install wheels by pip, without their dependencies."""
        pip = [sys.executable, "-m", "pip", "--python", str(self.folder), "--disable-pip-version-check", "install"]
        options = ["--quiet", "--no-index", "--no-deps", "--no-compile"]
        subprocess.run([*pip, *options, *map(str, wheels)], check=True, timeout=TIMEOUT)


def create(folder: Path, wheels: Iterable[Path], *, also: Iterable[str] = ()) -> Environment:
    """An environment with the wheels, their dependencies, and `also` by name with theirs."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    environment = Environment(folder)
    needed = [text for wheel in wheels for text in metadata(wheel).requires or ()]
    for found in _closure([*needed, *also]):
        _link(found, environment.packages)
    environment.install(*wheels)
    return environment


def metadata(wheel: Path) -> Distribution:
    """What a wheel says of itself."""
    name, version, *_ = wheel.name.split("-")
    return PathDistribution(InZip(str(wheel), f"{name}-{version}.dist-info/"))


def _closure(requirements: Iterable[str]) -> Iterator[Distribution]:
    """The installed distributions that the requirements name, and those that these name."""
    waiting = [Requirement(text) for text in requirements]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        wanted = waiting.pop()
        extras = frozenset(wanted.extras)
        if (wanted.name.lower(), extras) in seen or not _applies(wanted, frozenset()):
            continue
        seen.add((wanted.name.lower(), extras))
        found = distribution(wanted.name)
        assert wanted.specifier.contains(found.version, prereleases=True), f"{wanted}: {found.version} is installed"
        inner = [Requirement(text) for text in found.requires or ()]
        for each in inner:
            if _applies(each, extras):
                each.marker = None
                waiting.append(each)
        yield found


def _applies(requirement: Requirement, extras: frozenset[str]) -> bool:
    if requirement.marker is None:
        return True
    return any(requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras))


def _link(found: Distribution, packages: Path) -> None:
    for file in found.files or ():
        if ".." in file.parts:
            continue  # a script, which a test that needs it would name
        target = packages / file
        target.parent.mkdir(parents=True, exist_ok=True)
        source = Path(str(file.locate()))
        if source.exists() and not target.exists():
            target.symlink_to(source)
