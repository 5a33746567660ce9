"""A command that creates a stream of its own name: its id is claimed first, where the id itself would have created one.

One key, three requests that may come with it: two streams of the client's choice, and the one that the key names.
"""

import itertools
import random
from collections import defaultdict
from collections.abc import Callable
from typing import Literal

import pytest
from azure.core.exceptions import ServiceResponseError
from azure.cosmos import ContainerProxy, DatabaseProxy
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from eventstore.commands.store import Command, CommandStore, Outcome
from eventstore.errors import CommandReused, NotSupported, StoreBusy, StoreUnavailable
from eventstore.library.recorder import CosmosAggregateRecorder
from eventstore.log.history import History
from eventstore.log.mapper import Mapper
from eventstore.log.outcomes import CLAIMED
from localazure.cosmos import LocalCosmos, RequestInfo
from localazure.cosmos.protocol.message import Request
from tests.eventstore.conftest import NewStore
from tests.eventstore.purse import Purse, Refused, fold
from tests.eventstore.test_interleavings import Crashed, Scheduler

NAMED = "purse-named"
TARGETS = ("purse-one", "purse-two", NAMED)
SEEDS = 40
_EXAMPLES = itertools.count()
_NEVER = 1_000
Fate = Literal["crash before", "crash after", "lose before", "lose after", "delay"]


def create(store: CommandStore, target: str, *, balance: int = 0, place: str = NAMED) -> Outcome:
    """A purse is opened once; what has a balance below 0 is refused."""

    def decide(purse: Purse | None) -> Purse:
        if purse is not None or balance < 0:
            raise Refused("PURSE_EXISTS", "there is one")
        return Purse.open(target)

    command = Command("key", f"{target} {balance}", claimed_in=place)
    return store.execute(target, command, decide)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


@pytest.mark.parametrize("first", TARGETS)
@pytest.mark.parametrize("second", TARGETS)
@pytest.mark.parametrize("balance", [0, -1], ids=["accepted", "refused"])
def test_an_id_creates_one_stream(
    first: str, second: str, balance: int, store: CommandStore, other: CommandStore, history: History
) -> None:
    made = create(store, first, balance=balance)
    for each in (store, other):
        if second == first:
            again = create(each, second, balance=balance)
            assert (again.replayed, again.version, again.refusal) == (True, made.version, made.refusal)
        else:
            with pytest.raises(CommandReused):
                create(each, second, balance=balance)
    assert [stream for stream in TARGETS if list(history.stream(stream))] == ([] if balance else [first])


def test_a_claim_is_no_event_and_no_outcome_and_is_part_of_the_chain(
    store: CommandStore, history: History, events: ContainerProxy
) -> None:
    create(store, "purse-one")
    assert (list(history.stream(NAMED)), list(history.outcomes(NAMED))) == ([], [])
    found = history.verify(NAMED)
    assert (found.sound, found.events, found.outcomes) == (True, 0, 1)
    (claim,) = [each for each in events.read_all_items() if each["streamId"] == NAMED]
    assert claim["type"] == CLAIMED
    events.replace_item(claim["id"], claim | {"state": '{"stream":"purse-two"}'})
    assert not history.verify(NAMED).sound


def test_a_claim_for_another_stream_is_none_for_this_one_though_the_fingerprint_is_the_same(
    store: CommandStore, other: CommandStore
) -> None:
    def run(each: CommandStore, target: str) -> Outcome:
        command = Command("key", "the same", claimed_in=NAMED)
        return each.execute(target, command, lambda purse: purse or Purse.open(target))

    run(store, "purse-one")
    for target in ("purse-two", NAMED):
        with pytest.raises(CommandReused):
            run(other, target)


def test_what_decide_raises_claims_nothing(store: CommandStore, events: ContainerProxy) -> None:
    def decide(_: Purse | None) -> Purse:
        raise ValueError("makes no sense")

    with pytest.raises(ValueError, match="makes no sense"):
        store.execute("purse-one", Command("key", "1", claimed_in=NAMED), decide)
    assert list(events.read_all_items()) == []
    assert create(store, "purse-two").events


def test_a_claim_costs_one_request_and_a_repetition_none(store: CommandStore, cosmos: LocalCosmos) -> None:
    def requests() -> list[tuple[str, str]]:
        made = [(entry.operation, entry.container) for entry in cosmos.log.filter() if entry.container]
        cosmos.log.clear()
        return made

    cold = [("read", "snapshots"), ("query", "events"), ("create", "events")]
    requests()
    create(store, "purse-one")
    assert requests() == [*cold, ("create", "events")]
    create(store, "purse-one")
    assert ("create", "events") not in requests()[1:]


def test_a_claim_whose_command_never_came_waits_for_it(store: CommandStore, new_store: NewStore) -> None:
    """Of the process that died after its claim nothing is left but that; its client asks again, hours later."""
    command = Command("key", "purse-one 0", claimed_in=NAMED)
    dead = new_store()
    with pytest.raises(Crashed):
        dead.execute("purse-one", command, _dying_after_the_claim(dead))
    with pytest.raises(CommandReused):
        create(store, "purse-two")
    assert create(store, "purse-one").events


def _dying_after_the_claim(store: CommandStore) -> Callable[[Purse | None], Purse]:
    def decide(_: Purse | None) -> Purse:
        append = store._parts.log.append

        def claim_and_die(stream: str, documents: list[dict[str, object]]) -> str:
            append(stream, documents)
            raise Crashed

        store._parts.log.append = claim_and_die  # type: ignore[assignment,method-assign]
        return Purse.open("purse-one")

    return decide


# Any order of deaths, lost and late answers


class Line:
    """The way to the events: one request of each attempt dies, loses its answer, or comes when nobody waits for it."""

    def __init__(self, cosmos: LocalCosmos) -> None:
        self.cosmos = cosmos
        self.late: list[RequestInfo] = []
        self._fate: Fate = "delay"
        self._left = 0

    def attempt(self, run: Callable[[], Outcome], fate: Fate, at: int) -> Outcome | str:
        self._fate, self._left = fate, at
        remove = self.cosmos.faults.on_request(self._on_request)
        try:
            return run()
        except (Crashed, CommandReused, StoreUnavailable, StoreBusy) as error:
            return type(error).__name__
        finally:
            remove()

    def deliver(self) -> None:
        for info in self.late:
            self.cosmos.exchange(Request(info.method, info.path, dict(info.headers), info.body, self.cosmos.endpoint))
        self.late.clear()

    def _on_request(self, info: RequestInfo, phase: str) -> None:
        if info.container != "events":
            return
        what, _, when = self._fate.partition(" ")
        self._left -= phase == "before"
        if what == "delay":
            if phase == "before" and self._left <= 0 and info.operation in ("create", "batch"):
                self.late.append(info)  # and every repetition of it: this client gets through no more
                raise ServiceResponseError("timed out")
        elif self._left == 0 and phase == when:
            self._left = -1
            raise Crashed if what == "crash" else ServiceResponseError("timed out")


attempt = st.tuples(
    st.sampled_from(TARGETS),
    st.integers(0, 1),
    st.sampled_from(Fate.__args__),  # type: ignore[attr-defined]
    st.integers(1, 5),
    st.booleans(),
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(attempts=st.lists(attempt, min_size=1, max_size=5), last=st.permutations(TARGETS))
@example(attempts=[("purse-one", 0, "crash after", 2, False)], last=["purse-two", "purse-one", NAMED])
@example(attempts=[("purse-one", 0, "delay", 2, True)], last=[NAMED, "purse-one", "purse-two"])
def test_whatever_dies_is_lost_or_comes_late_an_id_creates_one_stream(
    attempts: list[tuple[str, int, Fate, int, bool]],
    last: list[str],
    cosmos: LocalCosmos,
    tables: DatabaseProxy,
    history: History,
) -> None:
    number, stores, line = next(_EXAMPLES), [_store(tables) for _ in range(3)], Line(cosmos)
    answers: dict[str, list[Outcome | str]] = defaultdict(list)

    def ask(store: CommandStore, target: str, fate: Fate, at: int) -> None:
        def run() -> Outcome:
            return create(store, f"{target}-{number}", place=f"{NAMED}-{number}")

        answers[target].append(line.attempt(run, fate, at))

    for target, which, fate, at, deliver in attempts:
        ask(stores[which], target, fate, at)
        if deliver:
            line.deliver()
    line.deliver()
    for target in last:
        for store in (stores[2], stores[0]):
            ask(store, target, "crash before", _NEVER)
    created = [target for target in TARGETS if list(history.stream(f"{target}-{number}"))]
    assert len(created) == 1, answers
    for target, heard in answers.items():
        outcomes = [each for each in heard if isinstance(each, Outcome)]
        assert all(each.version == 1 and each.events == 1 for each in outcomes), answers
        assert not outcomes or target in created, answers
        assert heard[-2:] == ["CommandReused"] * 2 or target in created, answers
    assert all(history.verify(f"{target}-{number}").sound for target in TARGETS)


def _store(tables: DatabaseProxy) -> CommandStore:
    return CommandStore(tables, mapper=Mapper(), fold=fold, refusals=Refused)


@pytest.mark.parametrize("replicas", ["current", "lagging"])
def test_in_every_order_of_single_requests_an_id_creates_one_stream(
    replicas: str, request: pytest.FixtureRequest, cosmos: LocalCosmos, tables: DatabaseProxy, history: History
) -> None:
    if replicas == "lagging":
        request.getfixturevalue("lagging_replica")
    winners = {_race(seed, cosmos, tables, history) for seed in range(SEEDS)}
    assert winners == {"one", "two", "named"}, "the orders reach every end"


def _race(seed: int, cosmos: LocalCosmos, tables: DatabaseProxy, history: History) -> str:
    streams = {name: f"purse-{name}-{seed}" for name in ("one", "two", "named")}
    place = streams["named"]
    answers: dict[str, list[Outcome | str]] = defaultdict(list)

    def run(name: str) -> None:
        try:
            answers[name].append(create(_store(tables), streams[name], place=place))
        except (CommandReused, Crashed) as error:
            answers[name].append(type(error).__name__)

    scheduler = Scheduler(cosmos, random.Random(seed))
    remove = cosmos.faults.on_request(scheduler.on_request)
    bodies = {"one": "one", "one again": "one", "two": "two", "named": "named"}
    scheduler.run({name: (lambda which=which: run(which)) for name, which in bodies.items()})  # type: ignore[misc]
    remove()
    for name in streams:
        run(name)
    scheduler.deliver_the_rest()
    created = [name for name, stream in streams.items() if list(history.stream(stream))]
    assert len(created) == 1, (seed, answers)
    for name, heard in answers.items():
        answered = [each for each in heard if each != "Crashed"]
        assert all(isinstance(each, Outcome) == (name in created) for each in answered), (seed, answers)
    return created[0]


def test_the_librarys_recorder_takes_no_command_that_is_to_be_claimed(events: ContainerProxy) -> None:
    opened = Mapper[str]().to_stored_event(Purse.open("purse-one").collect_events()[0])
    with pytest.raises(NotSupported, match="run it by a CommandStore"):
        CosmosAggregateRecorder(events).insert_events([opened], command=Command("key", "1", claimed_in=NAMED))
    assert list(events.read_all_items()) == []
