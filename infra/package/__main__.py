"""Builds and proves the deployable zip: python -m infra.package [ZIP]

With a Python 3.13 on this machine the dependencies are in the zip, and every role of it is run by the code of the real
worker against the local Cosmos DB. Without one only its contents are checked, and it says so.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from eventstore.cosmos.containers import create_containers
from infra.package.build import build
from infra.package.interpreter import NoInterpreter, environment, find
from infra.package.prove import ROOT, contents, prove
from localazure.cosmos import LocalCosmos, serve

__all__ = ["main"]

ZIP = Path("dist/tidemark-functions.zip")


def main(arguments: Sequence[str] | None = None) -> None:
    given = sys.argv[1:] if arguments is None else arguments
    package = Path(given[0]) if given else ZIP
    try:
        python, worker = find(), environment(ROOT / "build", None)
    except NoInterpreter as reason:
        build(package)
        _tell(f"{package}: {len(contents(package)):,} files, no dependencies, not run: {reason}")
        return
    build(package, python=str(python))
    _tell(f"{package}: {len(contents(package)):,} files, {package.stat().st_size / 1e6:.1f} MB")
    with LocalCosmos() as cosmos, serve(cosmos) as server:
        create_containers(cosmos.client(), "tidemark")
        for role, seconds in prove(package, worker, server.endpoint).items():
            _tell(f"{role:<12} indexed and answered in {seconds:.1f} s")


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
