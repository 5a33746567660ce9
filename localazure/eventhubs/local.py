"""LocalEventHubs: the namespace that the server serves. Hubs, keys, retention and faults, without a network."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from types import TracebackType

from localazure.eventhubs.errors import ConfigurationError, NotFound
from localazure.eventhubs.faults import Faults
from localazure.eventhubs.hubs.hub import Hub
from localazure.eventhubs.hubs.partition import Partition
from localazure.eventhubs.hubs.store import EventStore
from localazure.eventhubs.hubs.stored_event import StoredEvent, stored_event

EMULATOR_KEYS: Mapping[str, str] = {"RootManageSharedAccessKey": "SAS_KEY_VALUE"}
"""Policy and key of the official emulator: https://learn.microsoft.com/azure/event-hubs/overview-emulator"""

MAX_PARTITIONS = 1024
DATABASE = "eventhubs.sqlite3"
_SHOWN = 8
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,254}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Retention:
    """How long, and per partition how much (bytes of events), is kept; whatever is over goes, oldest first."""

    age: timedelta = timedelta(days=7)
    size: int | None = None


class LocalEventHubs:
    """An Event Hubs namespace on this machine.

    `data` is a directory (None keeps everything in memory), `hubs` maps names to partition counts, `consumer_groups`
    maps hub names or patterns to groups besides $Default, `auto_create` maps patterns (`eh-conf-*`) to the partition
    count of a matching hub that is made on first use; every other unknown hub is not found. `keys` maps policy names
    to keys. `clock` gives milliseconds since 1970.

    Raises ConfigurationError for names, counts or a data directory that cannot be used.
    """

    def __init__(
        self,
        data: Path | None = None,
        *,
        hubs: Mapping[str, int] | None = None,
        consumer_groups: Mapping[str, Sequence[str]] | None = None,
        auto_create: Mapping[str, int] | None = None,
        retention: Retention | None = None,
        keys: Mapping[str, str] = EMULATOR_KEYS,
        faults: Faults | None = None,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.keys = dict(keys)
        self.retention = retention or Retention()
        self.faults = faults or Faults()
        self.clock = clock
        self._groups = {pattern.lower(): list(groups) for pattern, groups in (consumer_groups or {}).items()}
        self._patterns = {pattern.lower(): _checked(pattern, count) for pattern, count in (auto_create or {}).items()}
        for name, count in (hubs or {}).items():
            if not _NAME.fullmatch(name):
                raise ConfigurationError(
                    f"{name!r} is no hub name: 1 to 256 letters, digits, '.', '-' or '_', starting and ending "
                    "with a letter or digit"
                )
            _checked(name, count)
        self._store = EventStore(None if data is None else data / DATABASE)
        self._hubs: dict[str, Hub] = {}
        try:
            for name in self._store.hubs():
                self._open(name, None)
            for name, count in (hubs or {}).items():
                self._open(name, count)
        except ConfigurationError:
            self._store.close()
            raise

    def hub(self, name: str) -> Hub:
        """The hub of this name, made now if a pattern allows it. Raises NotFound."""
        found = self._hubs.get(name.lower())
        if found is not None:
            return found
        if _NAME.fullmatch(name):
            for pattern, count in self._patterns.items():
                if fnmatchcase(name.lower(), pattern):
                    return self._open(name, count)
        names = sorted(known.name for known in self._hubs.values())
        shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "") or "none"
        raise NotFound(
            f"sb://localhost/{name}",
            f"there is no hub {name!r} here (known: {shown}); start the server with --hub {name}:PARTITIONS",
        )

    def events(self, name: str) -> list[StoredEvent]:
        """All events that a hub keeps: partition after partition, each in its order. Raises NotFound."""
        return [
            stored_event(partition.number, sequence, message)
            for partition in self.hub(name).partitions
            for sequence, message in partition.read(partition.first, partition.tail.next_sequence - partition.first)
        ]

    def enforce_retention(self) -> None:
        """Removes what is too old or too much. A running server does so by itself, every second."""
        oldest = self.clock() - int(self.retention.age / timedelta(milliseconds=1))
        for hub in self._hubs.values():
            for partition in hub.partitions:
                partition.enforce(oldest, self.retention.size)

    def close(self) -> None:
        self._store.close()

    def __enter__(self) -> LocalEventHubs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, name: str, count: int | None) -> Hub:
        created, partitions = self._store.open_hub(name, count, self.clock())
        hub = Hub(
            name,
            created,
            [
                Partition(name, number, self.clock, self._store, row_id, tail)
                for number, (row_id, tail) in enumerate(partitions)
            ],
            frozenset(
                group.lower()
                for pattern, groups in self._groups.items()
                if fnmatchcase(name.lower(), pattern)
                for group in groups
            ),
        )
        self._hubs[name.lower()] = hub
        return hub


def _checked(name: str, partitions: int) -> int:
    if not 1 <= partitions <= MAX_PARTITIONS:
        raise ConfigurationError(f"hub {name!r} needs 1 to {MAX_PARTITIONS} partitions, not {partitions}")
    return partitions
