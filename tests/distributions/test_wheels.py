"""What the three wheels hold: the names that they install, every file, and metadata that agree with each other."""

import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from infra.distributions import DISTRIBUTIONS, ROOT, SERVICE, build
from tests.distributions.conftest import Wheel
from tests.distributions.environment import metadata

ROOMS = ("domain", "eventstore", "projectors", "replay", "audit", "functions", "localazure", "devkit", "cli")
BUILD = "from setuptools import build_meta; build_meta.build_wheel('.')"
TOP_LEVEL = {SERVICE: "tidemark"} | {name: room for name, (_, room) in DISTRIBUTIONS.items()}


def files(folder: str) -> set[str]:
    """The files of a folder of the repository, as a wheel has to have them."""
    found = (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix() for path in found}


def contents(wheel: Path) -> dict[str, bytes]:
    """What is in a wheel beside its own metadata."""
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}


def project(folder: str = ".") -> dict[str, Any]:
    declared: dict[str, Any] = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    return declared


@pytest.mark.parametrize("name", TOP_LEVEL)
def test_a_wheel_installs_one_name(name: str, wheel: Wheel) -> None:
    assert {path.partition("/")[0] for path in contents(wheel(name))} == {TOP_LEVEL[name]}
    assert (metadata(wheel(name)).read_text("top_level.txt") or "").split() == [TOP_LEVEL[name]]


def test_the_service_holds_every_file_of_every_room(wheel: Wheel) -> None:
    modules = {path.name for path in ROOT.glob("*.py")} - {"setup.py"}
    rooms = set[str]().union(*(files(room) for room in ROOMS), modules)
    expected = files("tidemark") | {f"tidemark/rooms/{name}" for name in rooms}
    held = contents(wheel(SERVICE))
    assert set(held) == expected
    assert {Path(name).suffix for name in held} >= {".py", ".html", ".css", ".js"}
    assert all(body == (ROOT / name.removeprefix("tidemark/rooms/")).read_bytes() for name, body in held.items())


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_library_holds_every_file_of_its_room(name: str, wheel: Wheel) -> None:
    held = contents(wheel(name))
    assert set(held) == files(DISTRIBUTIONS[name][1])
    assert f"{DISTRIBUTIONS[name][1]}/py.typed" in held
    assert all(body == (ROOT / path).read_bytes() for path, body in held.items())


@pytest.mark.parametrize("name", TOP_LEVEL)
def test_a_wheel_brings_its_licence_and_its_own_readme(name: str, wheel: Wheel) -> None:
    folder = DISTRIBUTIONS[name][0] if name in DISTRIBUTIONS else "."
    said = metadata(wheel(name))
    assert said.read_text("licenses/LICENSE") == (ROOT / "LICENSE").read_text()
    assert said.metadata["License-Expression"] == "MIT"
    assert said.metadata.json["description"] == (ROOT / folder / "README.md").read_text()


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_library_agrees_with_the_service_on_versions(name: str) -> None:
    service, library = project(), project(DISTRIBUTIONS[name][0])
    assert library["name"] == name
    for shared in ("version", "requires-python", "license"):
        assert library[shared] == service[shared]
    assert set(library["dependencies"]) <= set(service["dependencies"])


def test_the_same_contents_give_the_same_wheel(wheel: Wheel, tmp_path: Path) -> None:
    (again,) = build(tmp_path, ["tidemark-eventstore"])
    assert again.read_bytes() == wheel("tidemark-eventstore").read_bytes()


@pytest.mark.parametrize("name", TOP_LEVEL)
def test_a_source_archive_gives_the_same_wheel(name: str, wheel: Wheel, tmp_path: Path) -> None:
    (archive,) = wheel(name).parent.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    subprocess.run([sys.executable, "-c", BUILD], cwd=source, capture_output=True, check=True)
    (again,) = source.glob("*.whl")
    assert contents(again) == contents(wheel(name))
