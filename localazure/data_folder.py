"""The data folder of local servers: its version, and that only one process uses it."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localazure.errors import DataFolderError

__all__ = ["DATA_VERSION", "data_folder"]

DATA_VERSION = "1"
"""Raised when a folder written before can no longer be read."""


@contextmanager
def data_folder(path: Path) -> Iterator[Path]:
    """The folder, made if absent, held for this process alone.

    Raises:
        DataFolderError: it holds something else, data of another version, or is in use.
    """
    mark = path / "version"
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not mark.exists():
            if any(path.iterdir()):
                raise DataFolderError(
                    f"{path} is not empty and holds no data of local servers: give another folder with --data"
                )
            mark.write_text(DATA_VERSION + "\n")
        lock = mark.open()
    except OSError as error:
        raise DataFolderError(f"{path} cannot be used: {error.strerror}; give another folder with --data") from error
    with lock:
        _check_version(path, lock.read().strip())
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DataFolderError(f"{path} is in use by another process: stop that one, or give --data") from None
        yield path


def _check_version(path: Path, version: str) -> None:
    if version != DATA_VERSION:
        raise DataFolderError(
            f"{path} holds data of version {version[:20] or '(none)'}, this program reads version {DATA_VERSION}: "
            "move the folder away, or give another with --data"
        )
