"""The `tidemark` command: finds the rooms (domain, functions, replay …) and runs the command line in them.

Installed, the rooms lie in `tidemark/rooms`, which is on no one's path: a project's own `domain` and Tidemark's are
never taken for each other. In a clone they lie beside this package.
"""

import sys
from pathlib import Path

__all__ = ["main"]


def main() -> None:
    """Run the command line, in a process of its own: it puts the rooms in front of everything else on `sys.path`.

    Processes that it starts get the same path from multiprocessing.
    """
    sys.path.insert(0, str(_rooms()))
    from cli.main import main as run

    run()


def _rooms() -> Path:
    package = Path(__file__).parent
    installed = package / "rooms"
    return installed if installed.is_dir() else package.parent
