"""`tidemark tail` on a terminal and in a pipe: one line per event, or the CloudEvent itself with --json."""

import sys
import threading
from datetime import datetime

from rich.console import Console
from rich.text import Text

from projectors.relay.settings import EventHubsSettings
from projectors.relay.tail import HubEvent, Selection, tail

_STYLES = {"credited": "green", "debited": "red", "captured": "red", "failed": "bold red", "completed": "green"}


def run_tail(settings: EventHubsSettings, *, start: str | datetime, selection: Selection, json: bool) -> None:
    """Prints events until interrupted (KeyboardInterrupt passes through after the connections are closed)."""
    console = Console(highlight=False, soft_wrap=True)
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    printing = threading.Lock()  # partitions call from threads of their own

    def show(event: HubEvent) -> None:
        with printing:
            if json:
                sys.stdout.buffer.write(event.raw + b"\n")
                sys.stdout.buffer.flush()
            else:
                console.print(line(event))

    def report(error: Exception) -> None:
        with printing:
            errors.print(Text(f"tail: {error}"))

    with settings.consumer() as client:
        tail(client, show, start=start, selection=selection, on_error=report)


def line(event: HubEvent) -> Text:
    """`2026-11-23T08:00:00+00:00  account-alice  v7  account.funds-credited  {"amount": 500, …}`"""
    attributes = event.event.get_attributes()
    type_name = event.event.get_type()
    verb = type_name.rpartition("-")[2].rpartition(".")[2]
    data = event.event.get_data()
    shown = {k: v for k, v in data.items() if k != "timestamp" and v is not None} if isinstance(data, dict) else data
    return Text.assemble(
        (str(attributes.get("recordedtime", "")), "dim"),
        "  ",
        (event.event.get_subject() or "", "cyan"),
        (f"  v{int(attributes.get('sequence', '0'))}", "dim"),
        "  ",
        (type_name, _STYLES.get(verb, "bold")),
        f"  {attributes.get('dataref') or shown!r}",
    )
