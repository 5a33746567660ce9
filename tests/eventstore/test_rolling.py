"""Two versions of a program on the same streams, in any order: each ends in the fold of the log, or says why not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from azure.cosmos import ContainerProxy
from eventsourcing import utils
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.aggregate import Aggregate, CreatedEvent, DomainEvent, Snapshot, fold
from domain.errors import Refused
from eventstore.commands.store import Command, CommandStore
from eventstore.errors import UnknownEventType
from eventstore.log.history import History
from eventstore.log.mapper import Mapper
from tests.eventstore.conftest import NewStore

AT = datetime(2026, 3, 1, tzinfo=UTC)
_numbers = iter(range(10**6))


class Program:
    """A version of a program: its classes under its names, and a store of its own, as a process has them."""

    def __init__(self, make: Callable[[], type[Any]], new_store: NewStore) -> None:
        self._topics: dict[str, Any] = dict(utils._topic_cache)
        self._types: dict[Any, str] = dict(utils._type_cache)
        with self._active():
            self.till = till = make()

            class Own(Snapshot):
                TOPIC = "snapshot"
                version_of: ClassVar[Any] = staticmethod(lambda _: _version_of(till))

            self._topics["snapshot"] = Own
            self._own = Own
        self._new_store = new_store
        self.restart()

    def restart(self) -> None:
        self.store: CommandStore = self._new_store(
            mapper=Mapper(), fold=fold, refusals=Refused, snapshot_class=self._own, snapshot_every=3
        )

    @contextmanager
    def _active(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(utils, "_topic_cache", self._topics)
            patch.setattr(utils, "_type_cache", self._types)
            yield

    def run(self, stream: str, name: str, *arguments: Any) -> None:
        def decide(till: Any) -> Any:
            till = till or self.till.open(stream)
            getattr(till, name)(*arguments)
            return till

        with self._active():
            self.store.execute(stream, Command(f"key-{next(_numbers)}", "f"), decide)

    def load(self, stream: str) -> Any:
        with self._active():
            return vars(self.store.load(stream))

    def folded(self, stream: str, history: History) -> Any:
        """The fold of the log by this program's classes, without any snapshot."""
        with self._active():
            return vars(fold(None, [Mapper[str]().domain_event(each) for each in history.stream(stream)]))


def _version_of(till: type[Any]) -> str:
    from domain.aggregate import state_version

    return state_version(till)


def old_till() -> type[Any]:
    class Till(Aggregate):
        TOPIC = "till"
        Event = DomainEvent

        class Opened(CreatedEvent):
            TOPIC = "till.opened"

        class PaidIn(DomainEvent):
            TOPIC = "till.paid-in"
            amount: int

            def apply(self, till: Any) -> None:
                till.balance += self.amount

        balance: int = 0

        @classmethod
        def open(cls, stream: str) -> Any:
            return cls._create(cls.Opened, id=stream, timestamp=AT)

        def pay_in(self, amount: int) -> None:
            self.trigger_event(self.PaidIn, amount=amount, timestamp=AT)

    return Till


def counting_till() -> type[Any]:
    """A new field that events of old would have filled."""

    class Till(Aggregate):
        TOPIC = "till"
        Event = DomainEvent

        class Opened(CreatedEvent):
            TOPIC = "till.opened"

        class PaidIn(DomainEvent):
            TOPIC = "till.paid-in"
            amount: int

            def apply(self, till: Any) -> None:
                till.balance += self.amount
                till.payments += 1

        balance: int = 0
        payments: int = 0

        @classmethod
        def open(cls, stream: str) -> Any:
            return cls._create(cls.Opened, id=stream, timestamp=AT)

        def pay_in(self, amount: int) -> None:
            self.trigger_event(self.PaidIn, amount=amount, timestamp=AT)

    return Till


def overdraft_till() -> type[Any]:
    """A new event and its field, with a class_version of its own, and an upcast for snapshots."""

    class Till(Aggregate):
        TOPIC = "till"
        Event = DomainEvent
        class_version = 2

        class Opened(CreatedEvent):
            TOPIC = "till.opened"

        class PaidIn(DomainEvent):
            TOPIC = "till.paid-in"
            amount: int

            def apply(self, till: Any) -> None:
                till.balance += self.amount

        class OverdraftSet(DomainEvent):
            TOPIC = "till.overdraft-set"
            amount: int

            def apply(self, till: Any) -> None:
                till.overdraft = self.amount

        balance: int = 0
        overdraft: int = 0

        @classmethod
        def open(cls, stream: str) -> Any:
            return cls._create(cls.Opened, id=stream, timestamp=AT)

        def pay_in(self, amount: int) -> None:
            self.trigger_event(self.PaidIn, amount=amount, timestamp=AT)

        def set_overdraft(self, amount: int) -> None:
            self.trigger_event(self.OverdraftSet, amount=amount, timestamp=AT)

        @staticmethod
        def upcast_v1_v2(state: dict[str, Any]) -> None:
            state["overdraft"] = 0

    return Till


def test_a_program_that_does_not_know_an_event_does_not_go_on_from_a_snapshot_that_has_it(
    new_store: NewStore, history: History
) -> None:
    new, old = Program(overdraft_till, new_store), Program(old_till, new_store)
    new.run("till-1", "set_overdraft", 1000)
    for _ in range(6):
        new.run("till-1", "pay_in", 20)
    for _ in range(6):
        with pytest.raises(UnknownEventType, match="overdraft-set"):
            old.run("till-1", "pay_in", 20)
    new.restart()
    assert new.load("till-1")["overdraft"] == 1000
    assert new.load("till-1") == new.folded("till-1", history)


STEPS = st.lists(
    st.tuples(st.sampled_from(["old", "new"]), st.sampled_from(["pay", "pay", "pay", "set", "restart"])),
    min_size=1,
    max_size=40,
)


@pytest.mark.parametrize("newer", [counting_till, overdraft_till])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_the_order_of_programs_each_ends_in_the_fold_of_the_log(
    new_store: NewStore, history: History, newer: Callable[[], type[Any]], steps: list[tuple[str, str]]
) -> None:
    programs = {"old": Program(old_till, new_store), "new": Program(newer, new_store)}
    stream = f"till-{next(_numbers)}"
    unknown_to_old = False
    for who, what in [*steps, ("new", "pay"), ("old", "pay")]:
        program = programs[who]
        if what == "restart":
            program.restart()
        elif what == "set" and hasattr(program.till, "OverdraftSet"):
            program.run(stream, "set_overdraft", 1000)
            unknown_to_old = True
        elif who == "old" and unknown_to_old:
            with pytest.raises(UnknownEventType):
                program.run(stream, "pay_in", 1)
        else:
            program.run(stream, "pay_in", 1)
    for program in programs.values():
        program.restart()
    assert programs["new"].load(stream) == programs["new"].folded(stream, history)
    if not unknown_to_old:
        assert programs["old"].load(stream) == programs["old"].folded(stream, history)


def test_each_program_has_a_snapshot_of_its_own(new_store: NewStore, tables: Any) -> None:
    snapshots: ContainerProxy = tables.get_container_client("snapshots")
    new, old = Program(counting_till, new_store), Program(old_till, new_store)
    for program in (old, new, old):
        for _ in range(4):
            program.run("till-1", "pay_in", 1)
    assert {document["id"]: document["version"] for document in snapshots.read_all_items()} == {
        f"latest-{_version_of(old.till)}": 13,
        f"latest-{_version_of(new.till)}": 9,
    }
