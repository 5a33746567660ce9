"""The `localazure` command: one server, until Ctrl-C.

    localazure cosmos [--port 8081] [--host 127.0.0.1] [--data FOLDER] [--partitions 1]
    localazure eventhubs [--port 5672] [--host 127.0.0.1] [--data FOLDER] [--hub NAME:PARTITIONS]…

Exit codes: 0 stopped; 1 it could not start, and standard error says why; 2 an argument is wrong.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from localazure.errors import CannotServe
from localazure.process import run_cosmos, run_eventhubs

__all__ = ["main"]

_ANY_HUB = "*:4"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one server; the exit code."""
    given = _parser().parse_args(arguments)
    try:
        if given.server == "cosmos":
            run_cosmos(given.host, given.port, given.data, given.partitions, _say)
        else:
            any_hub = [] if given.hub else [_ANY_HUB]
            run_eventhubs(given.host, given.port, given.data, given.hub, given.auto_create or any_hub, _say)
    except CannotServe as error:
        print(f"localazure: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    common.add_argument("--data", type=Path, help="folder that keeps the data; in memory without one")
    parser = argparse.ArgumentParser("localazure", description="Local servers for Microsoft's Azure SDKs.")
    servers = parser.add_subparsers(dest="server", required=True, metavar="SERVER")
    cosmos = servers.add_parser("cosmos", parents=[common], help="Cosmos DB for NoSQL, over HTTP")
    cosmos.add_argument("--port", type=_number(0, 65535), default=8081, help="0 takes a free one (%(default)s)")
    cosmos.add_argument("--partitions", type=_number(1, 64), default=1, help="physical partitions of a new container")
    hubs = servers.add_parser("eventhubs", parents=[common], help="Event Hubs, over AMQP")
    hubs.add_argument("--port", type=_number(0, 65535), default=5672, help="0 takes a free one (%(default)s)")
    hubs.add_argument("--hub", action="append", default=[], metavar="NAME:PARTITIONS", help="may be repeated")
    hubs.add_argument(
        "--auto-create",
        action="append",
        default=[],
        metavar="PATTERN:PARTITIONS",
        help=f"hubs made on first use, may be repeated; {_ANY_HUB} if neither this nor --hub is given",
    )
    return parser


def _number(low: int, high: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not (text.isdecimal() and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f"{text} is not a number from {low} to {high}")
        return int(text)

    return number


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201
