"""Where every consumer and every view stands."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from projectors.database import Database
from projectors.generations.generation import consumer_name
from projectors.generations.registry import Generations
from projectors.lag import ConsumerLag, lag_of
from projectors.views.dead_letters import all_dead_letters
from projectors.views.view import View


@dataclass(frozen=True, slots=True)
class GenerationStatus:
    """One generation of a view. `state` is "serving", "building" or "kept"; `parked` counts streams.

    `is_other_codes`: it was begun by a view that handles other events, or that is of another version.
    """

    view: str
    generation: int
    state: str
    by: str | None
    since: str | None
    lag: ConsumerLag
    parked: int
    is_other_codes: bool


@dataclass(frozen=True, slots=True)
class Status:
    """`views` by name and generation; `consumers` are the others: relay, transfers. `at` is when it was looked at."""

    at: datetime
    views: list[GenerationStatus]
    consumers: list[ConsumerLag]

    def since(self, before: "Status") -> "Status":
        """The same, with rates and retries of the time since an earlier look instead of those of late."""
        seconds = (self.at - before.at).total_seconds()
        known = {lag.consumer: lag for lag in (*(row.lag for row in before.views), *before.consumers)}

        def compared(lag: ConsumerLag) -> ConsumerLag:
            return lag.since(known[lag.consumer], seconds) if lag.consumer in known else lag

        return replace(
            self,
            views=[replace(row, lag=compared(row.lag)) for row in self.views],
            consumers=[compared(lag) for lag in self.consumers],
        )

    def facts(self) -> dict[str, Any]:
        """For machines: JSON-native."""
        return {
            "views": [
                {
                    "view": found.view,
                    "generation": found.generation,
                    "state": found.state,
                    "by": found.by,
                    "since": found.since,
                    "parked": found.parked,
                    "begun_by_other_code": found.is_other_codes,
                    **_lag_facts(found.lag),
                }
                for found in self.views
            ],
            "consumers": [{"consumer": lag.consumer, **_lag_facts(lag)} for lag in self.consumers],
        }


def status(stores: Database, views: Mapping[str, View], *, now: datetime | None = None) -> Status:
    """Reads registry, leases of `views`, by name, and of all other consumers, and one page of the feed per distinct
    position."""
    now = now or datetime.now(UTC)
    registered = stores.registry.all()
    rows: list[tuple[str, int, str, str | None, str | None]] = []
    for view in sorted(views):
        found = registered.get(view)
        if found is None:
            rows.append((view, 1, "serving", None, None))
            continue
        rows.append((view, found.serving, "serving", None, None))
        if found.building is not None:
            rows.append((view, found.building.generation, "building", found.building.by, found.building.since))
        rows += [(view, number, "kept", None, since) for number, since in sorted(found.kept.items())]
    names = [consumer_name(view, generation) for view, generation, *_ in rows]
    others = [name for name in stores.leases.consumers() if name.partition("@")[0] not in views]
    lags = {lag.consumer: lag for lag in lag_of(stores, [*names, *others], now=now)}
    return Status(
        now,
        [
            GenerationStatus(
                view,
                generation,
                state,
                by,
                since,
                lags[name],
                len(all_dead_letters(stores.views, view, generation)),
                _is_other_codes(views[view], generation, registered),
            )
            for (view, generation, state, by, since), name in zip(rows, names, strict=True)
        ],
        [lags[name] for name in others],
    )


def _is_other_codes(view: View, generation: int, registered: dict[str, Generations]) -> bool:
    return view.name in registered and registered[view.name].shapes.get(generation, view.shape) != view.shape


def _lag_facts(lag: ConsumerLag) -> dict[str, Any]:
    return {
        "lag_events": lag.events,
        "lag_events_counted": lag.counted,
        "lag_transactions": lag.transactions,
        "lag_seconds": round(lag.seconds, 3),
        "events_per_second": round(lag.rate, 1),
        "retries": asdict(lag.retries),
        "recent_seconds": lag.recent_seconds,
        "worked": lag.owned,
        "errors": lag.errors,
        "ranges": [asdict(part) for part in lag.ranges],
    }
