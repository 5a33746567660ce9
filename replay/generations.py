"""Taking a generation away: first out of the registry, then its items, then its positions."""

import time

from eventstore.log.limits import MAX_OPERATIONS
from projectors.database import Database
from projectors.errors import Conflict, RebuildRunning, UnknownGeneration
from projectors.generations.generation import consumer_name, partition_key
from replay.errors import ReplayError
from replay.lock import is_gone

_POLL = 0.1


def drop_generation(stores: Database, view: str, generation: int) -> int:
    """Deletes a generation that is kept or abandoned; the number of documents. Started again it goes on.

    Raises UnknownGeneration for one that never was, ReplayError for the one that serves, RebuildRunning for one that
    somebody builds at this moment.
    """
    now = stores.registry.of(view)
    if generation == now.serving:
        raise ReplayError(f"{view} v{generation} serves: switch to another one first")
    if not 1 <= generation <= now.last:
        raise UnknownGeneration(view, generation, now.all)
    if now.building is not None and now.building.generation == generation:
        leases = stores.leases.of(consumer_name(view, generation))
        if any(not lease.free(time.time()) for lease in leases) and not is_gone(now.building.by):
            raise RebuildRunning(view, now.building.by, now.building.since)
        stores.registry.abandon(view)
    elif generation in now.kept:
        stores.registry.drop(view, generation)
        _wait_for_workers(stores, consumer_name(view, generation))
    deleted = delete_items(stores, partition_key(view, generation, ""))
    stores.leases.forget(consumer_name(view, generation))
    return deleted


def _wait_for_workers(stores: Database, consumer: str) -> None:
    """They let go once they have looked at the registry; one that is gone does when its lease expires."""
    end = time.monotonic() + stores.leases.duration
    while time.monotonic() < end and any(not lease.free(time.time()) for lease in stores.leases.of(consumer)):
        time.sleep(_POLL)


def delete_items(stores: Database, prefix: str) -> int:
    """Everything in partitions of this prefix; the number of documents."""
    partitions: dict[str, list[str]] = {}
    for row in stores.views.query("SELECT c.id, c.pk FROM c WHERE STARTSWITH(c.pk, @prefix)", prefix=prefix):
        partitions.setdefault(row["pk"], []).append(row["id"])
    for partition, ids in partitions.items():
        for start in range(0, len(ids), MAX_OPERATIONS):
            some = ids[start : start + MAX_OPERATIONS]
            try:
                stores.views.batch(partition, [("delete", (id_,)) for id_ in some])
            except Conflict as error:
                raise ReplayError(f"somebody still writes to {prefix}: try again in a moment") from error
    return sum(len(ids) for ids in partitions.values())
