"""The containers as this room uses them, opened once per worker or reader."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from azure.cosmos import CosmosClient

from eventstore.cosmos.containers import EVENTS, LEASES, VIEWS
from eventstore.log.history import PAGE, History
from eventstore.log.mapper import Mapper
from projectors.container import Container
from projectors.feed.change_feed import Feed
from projectors.generations.registry import Registry
from projectors.leases.store import LeaseStore
from projectors.throughput.charges import QUERY
from projectors.throughput.meter import Meter


@dataclass(frozen=True)
class Database:
    """`meter` books what all of them spend; setting `stop` ends waits for a throttled store."""

    feed: Feed
    history: History
    mapper: Mapper[str]
    views: Container
    leases: LeaseStore
    registry: Registry
    meter: Meter
    stop: threading.Event

    @classmethod
    def open(
        cls,
        client: CosmosClient,
        database: str,
        *,
        mapper: Mapper[str] | None = None,
        meter: Meter | None = None,
        stop: threading.Event | None = None,
        clock: Callable[[], float] = time.time,
        lease_seconds: float = 30.0,
    ) -> "Database":
        """Sends nothing. `mapper` is the one that the log was written with, where that is not the default."""
        meter, stop = meter or Meter(), stop or threading.Event()
        proxy = client.get_database_client(database)
        events = proxy.get_container_client(EVENTS.name)
        views = Container(proxy.get_container_client(VIEWS.name), meter=meter, stop=stop)
        leases = Container(proxy.get_container_client(LEASES.name), meter=meter, stop=stop)
        return cls(
            feed=Feed(events, meter=meter, stop=stop),
            history=History(events, page=meter.fitting(QUERY, EVENTS.name, PAGE)),
            mapper=mapper or Mapper(),
            views=views,
            leases=LeaseStore(leases, clock=clock, duration=lease_seconds),
            registry=Registry(views),
            meter=meter,
            stop=stop,
        )
