"""What pyproject.toml cannot say: installed, the rooms lie inside the package `tidemark`, in nobody's way.

An editable install leaves every room where it is and under its own name, for development happens in the clone.
"""

import sys
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
ROOMS = ("domain", "eventstore", "projectors", "replay", "audit", "functions", "localazure", "devkit", "cli")
INSIDE = "" if "editable_wheel" in sys.argv else "tidemark.rooms."

packages = find_packages(str(ROOT), include=[pattern for room in ROOMS for pattern in (room, f"{room}.*")])
modules = sorted(path.stem for path in ROOT.glob("*.py") if path.name != "setup.py")

setup(
    packages=["tidemark", *(INSIDE + package for package in packages)],
    py_modules=[INSIDE + module for module in modules],
    package_dir={"tidemark.rooms": "."} if INSIDE else {},
)
