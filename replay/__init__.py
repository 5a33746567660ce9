"""Rebuilds any view from the log, and tells where every view stands."""

from replay.contents.compare import Comparison
from replay.errors import ReplayError
from replay.rebuild.progress import Phase, Progress, RebuildOptions, Rebuilt
from replay.rebuild.rebuild import rebuild
from replay.status import Status, status

__all__ = [
    "Comparison",
    "Phase",
    "Progress",
    "RebuildOptions",
    "Rebuilt",
    "ReplayError",
    "Status",
    "rebuild",
    "status",
]
