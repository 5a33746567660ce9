"""Which generation of a view serves, which is being built, and which are kept for an undo.

    { "id": "<view>", "pk": "registry", "serving": 1, "last": 1,
      "building": null | { "generation", "by", "since" },
      "kept": { "<generation>": { "since" } }, "shapes": { "<generation>": "<of the view that made it>" } }

Every change is one conditional write. Numbers are never used again: a worker that was paused during an abandoned
rebuild may still write items of that number, made by old code.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from projectors.container import Container, Document
from projectors.errors import Conflict, RebuildRunning, RegistryChanged, Unanswered, UnknownGeneration

PARTITION = "registry"
_TRIES = 10


@dataclass(frozen=True, slots=True)
class Building:
    """A generation on its way. `by` names who builds it, `since` is an ISO time."""

    generation: int
    by: str
    since: str


@dataclass(frozen=True, slots=True)
class Generations:
    """The generations of one view. `kept` maps numbers that served before to the time when they ceased to.

    `shapes` are those of the code that began to make them (`View.shape`).
    """

    view: str
    serving: int = 1
    last: int = 1
    building: Building | None = None
    kept: dict[int, str] = field(default_factory=dict)
    shapes: dict[int, str] = field(default_factory=dict)
    etag: str | None = field(default=None, compare=False)

    @property
    def live(self) -> list[int]:
        """Those that workers keep up to date: one that is being built is its builder's."""
        return sorted({self.serving, *self.kept})

    @property
    def all(self) -> list[int]:
        return sorted({*self.live, *({self.building.generation} if self.building else ())})

    def document(self) -> Document:
        return {
            "id": self.view,
            "pk": PARTITION,
            "serving": self.serving,
            "last": self.last,
            "building": None
            if self.building is None
            else {"generation": self.building.generation, "by": self.building.by, "since": self.building.since},
            "kept": {str(number): since for number, since in self.kept.items()},
            "shapes": {str(number): shape for number, shape in self.shapes.items() if number in self.all},
        }

    @classmethod
    def from_document(cls, document: Document) -> "Generations":
        building: dict[str, Any] | None = document["building"]
        return cls(
            view=document["id"],
            serving=document["serving"],
            last=document["last"],
            building=Building(**building) if building else None,
            kept={int(number): since for number, since in document["kept"].items()},
            shapes={int(number): shape for number, shape in document.get("shapes", {}).items()},
            etag=document["_etag"],
        )


class Registry:
    """The generations of all views. A view that was never rebuilt has no document and serves generation 1."""

    def __init__(self, gateway: Container) -> None:
        self._gateway = gateway

    def of(self, view: str) -> Generations:
        found = self._gateway.read(view, PARTITION)
        return Generations(view) if found is None else Generations.from_document(found)

    def all(self) -> dict[str, Generations]:
        """The documents that exist, by view."""
        found = self._gateway.query("SELECT * FROM c", PARTITION)
        return {document["id"]: Generations.from_document(document) for document in found}

    def build(self, view: str, *, by: str, at: str) -> Generations:
        """Begins generation last + 1. Raises RebuildRunning while one is being built."""
        token = Building(0, by, at)

        def change(now: Generations) -> Generations:
            if now.building is not None:
                if replace(now.building, generation=0) == token:  # ours: the answer was lost
                    return now
                raise RebuildRunning(view, now.building.by, now.building.since)
            number = now.last + 1
            return replace(now, last=number, building=Building(number, by, at))

        return self._change(view, change)

    def adopt(self, view: str, left: Building, *, by: str, at: str) -> Generations:
        """Takes up a build that `left` describes and whose builder is gone. Raises RebuildRunning when it is not."""

        def change(now: Generations) -> Generations:
            if now.building is not None and now.building != left:
                if (now.building.generation, now.building.by) == (left.generation, by):
                    return now
                raise RebuildRunning(view, now.building.by, now.building.since)
            if now.building is None:
                raise RegistryChanged(f"{view} generation {left.generation} is no longer being built")
            return replace(now, building=Building(left.generation, by, at))

        return self._change(view, change)

    def switch(self, view: str, generation: int, *, at: str) -> Generations:
        """Makes the generation the one that serves; the one before is kept."""

        def change(now: Generations) -> Generations:
            if generation == now.serving:
                return now
            if generation not in now.all:
                raise UnknownGeneration(view, generation, now.all)
            kept = {number: since for number, since in now.kept.items() if number != generation}
            built = now.building is not None and now.building.generation == generation
            return replace(
                now, serving=generation, building=None if built else now.building, kept=kept | {now.serving: at}
            )

        return self._change(view, change)

    def abandon(self, view: str) -> Generations:
        """Gives up the generation that is being built. Its number is spent."""
        return self._change(view, lambda now: replace(now, building=None))

    def keep(self, view: str, generation: int, *, at: str) -> Generations:
        """Ends a build without a switch: the generation is complete, and kept up to date from here on."""

        def change(now: Generations) -> Generations:
            if now.building is None and generation in now.kept:  # done: the answer was lost
                return now
            if now.building is None or now.building.generation != generation:
                raise RegistryChanged(f"{view} generation {generation} is not being built")
            return replace(now, building=None, kept=now.kept | {generation: at})

        return self._change(view, change)

    def describe(self, view: str, generation: int, shape: str) -> str:
        """The shape of the code that began to make a generation: this one, where none is known yet."""

        def change(now: Generations) -> Generations:
            if generation in now.shapes or generation not in now.all:
                return now
            return replace(now, shapes=now.shapes | {generation: shape})

        now = self.of(view)
        if change(now) != now:
            now = self._change(view, change)
        return now.shapes.get(generation, shape)

    def drop(self, view: str, generation: int) -> Generations:
        """Forgets a kept generation. The one that serves cannot be dropped."""

        def change(now: Generations) -> Generations:
            if generation not in now.kept:
                raise UnknownGeneration(view, generation, sorted(now.kept))
            return replace(now, kept={number: since for number, since in now.kept.items() if number != generation})

        return self._change(view, change)

    def _change(self, view: str, change: Callable[[Generations], Generations]) -> Generations:
        wanted: Generations | None = None
        for _ in range(_TRIES):
            now = self.of(view)
            if now == wanted:  # it arrived, and the answer was lost
                return now
            wanted = change(now)
            if wanted == now and now.etag is not None:
                return now
            try:
                document = wanted.document()
                etag = self._gateway.create(document) if now.etag is None else self._gateway.replace(document, now.etag)
            except (Conflict, Unanswered):
                continue
            return replace(wanted, etag=etag)
        raise RegistryChanged(f"the registry of {view} keeps changing: try again")


class CachedRegistry:
    """What readers see: at most `seconds` old, so that they follow a switch within that time."""

    def __init__(
        self, registry: Registry, *, seconds: float = 0.5, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._registry = registry
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Generations]] = {}

    def serving(self, view: str) -> int:
        """The generation that serves."""
        now = self._clock()
        with self._lock:
            known = self._known.get(view)
        if known is not None and now - known[0] < self._seconds:
            return known[1].serving
        found = self._registry.of(view)
        with self._lock:
            self._known[view] = (now, found)
        return found.serving
