"""Four processes, two of them with the same command, taken through many orders of their single requests.

Every request on the events waits until a scheduler, seeded and so repeatable, lets it through: or loses its answer, or
keeps it back to deliver it when nobody waits for it any more, or ends the process that sent it.
"""

import random
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from azure.core.exceptions import ServiceResponseError
from azure.cosmos import DatabaseProxy

from eventstore.commands.store import CommandStore, Outcome
from eventstore.log.history import History
from eventstore.log.mapper import Mapper
from localazure.cosmos import LocalCosmos, RequestInfo
from localazure.cosmos.protocol.message import Request
from tests.eventstore.conftest import open_purse, pay_in, pay_out
from tests.eventstore.purse import Refused, fold

SEEDS = 40
WRITES = ("create", "batch")


class Crashed(BaseException):
    """The process is gone; nothing of it runs on."""


@dataclass
class Scheduler:
    """Lets one request at a time through, in an order that only the seed decides."""

    cosmos: LocalCosmos
    chance: random.Random
    guard: threading.Condition = field(default_factory=threading.Condition)
    waiting: dict[str, RequestInfo] = field(default_factory=dict)
    granted: str | None = None
    running: set[str] = field(default_factory=set)
    fate: str = "answer"
    mishaps: int = 2
    late: list[RequestInfo] = field(default_factory=list)

    def on_request(self, info: RequestInfo, phase: str) -> None:
        name = threading.current_thread().name
        if name not in self.running or info.container != "events":
            return
        if phase == "before":
            self._wait_for_turn(name, info)
            if self.fate == "crash":
                raise Crashed
            if self.fate == "delay":
                self.late.append(info)
                raise ServiceResponseError("timed out")
        elif self.fate == "lose":
            self.fate = "answer"
            raise ServiceResponseError("timed out")

    def run(self, processes: dict[str, Callable[[], None]]) -> None:
        self.running = set(processes)
        threads = [threading.Thread(target=self._process, args=(body,), name=name) for name, body in processes.items()]
        for thread in threads:
            thread.start()
        while self._let_one_through():
            if self.late and self.chance.random() < 0.2:
                self._deliver(self.late.pop())
        for thread in threads:
            thread.join()

    def deliver_the_rest(self) -> None:
        for info in self.late:
            self._deliver(info)

    def _process(self, body: Callable[[], None]) -> None:
        try:
            body()
        finally:
            with self.guard:
                self.running.discard(threading.current_thread().name)
                self.granted = None
                self.guard.notify_all()

    def _wait_for_turn(self, name: str, info: RequestInfo) -> None:
        with self.guard:
            self.waiting[name] = info
            self.granted = None
            self.guard.notify_all()
            assert self.guard.wait_for(lambda: self.granted == name, timeout=20)
            del self.waiting[name]

    def _let_one_through(self) -> bool:
        with self.guard:
            assert self.guard.wait_for(lambda: self.granted is None and set(self.waiting) == self.running, timeout=20)
            if not self.running:
                return False
            name = self.chance.choice(sorted(self.waiting))
            self.fate = self._fate(self.waiting[name])
            self.granted = name
            self.guard.notify_all()
            return True

    def _fate(self, info: RequestInfo) -> str:
        if not self.mishaps or info.operation not in WRITES or self.chance.random() < 0.7:
            return "answer"
        self.mishaps -= 1
        return self.chance.choice(["lose", "delay", "crash"])

    def _deliver(self, info: RequestInfo) -> None:
        self.cosmos.exchange(Request(info.method, info.path, dict(info.headers), info.body, self.cosmos.endpoint))


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


@pytest.mark.parametrize("replicas", ["current", "lagging"])
def test_in_every_order_each_command_has_one_outcome(
    replicas: str,
    request: pytest.FixtureRequest,
    cosmos: LocalCosmos,
    tables: DatabaseProxy,
    history: History,
    no_pauses: None,
) -> None:
    if replicas == "lagging":
        request.getfixturevalue("lagging_replica")
    seen: set[str] = set()
    for seed in range(SEEDS):
        seen |= _explore(seed, cosmos, tables, history)
    assert seen == {"accepted", "refused", "replayed", "crashed"}, "the orders reach every end"


def _explore(seed: int, cosmos: LocalCosmos, tables: DatabaseProxy, history: History) -> set[str]:
    stream = f"purse-{seed}"
    stores = [CommandStore(tables, mapper=Mapper(), fold=fold, refusals=Refused) for _ in range(5)]
    open_purse(stores[0], balance=1, stream=stream)  # from here on the first one's state is old
    pay_in(stores[1], 0, "old", stream=stream)
    answers: dict[str, list[Outcome]] = defaultdict(list)
    ends: set[str] = set()

    def process(key: str, execute: Callable[[], Outcome]) -> Callable[[], None]:
        def body() -> None:
            try:
                outcome = execute()
            except Crashed:
                ends.add("crashed")
            else:
                answers[key].append(outcome)

        return body

    scheduler = Scheduler(cosmos, random.Random(seed))
    remove = cosmos.faults.on_request(scheduler.on_request)
    scheduler.run(
        {
            "stale": process("twice", lambda: pay_out(stores[0], 1, "twice", stream=stream)),
            "warm": process("twice", lambda: pay_out(stores[1], 1, "twice", stream=stream)),
            "cold": process("rival", lambda: pay_out(stores[2], 1, "rival", stream=stream)),
            "money": process("money", lambda: pay_in(stores[3], 1, "money", stream=stream)),
        }
    )
    remove()
    answers["twice"].append(pay_out(stores[4], 1, "twice", stream=stream))
    answers["rival"].append(pay_out(stores[4], 1, "rival", stream=stream))
    scheduler.deliver_the_rest()

    events = list(history.stream(stream))
    effects = [event.command_id for event in events]
    context = f"seed {seed}: {effects}, {answers}"
    assert len(effects) == len(set(effects)), context
    for key, outcomes in answers.items():
        assert len({(each.version, str(each.answer), str(each.refusal)) for each in outcomes}) == 1, context
        assert (outcomes[0].refusal is None) == (key in effects), context
    assert {outcome.command_id for outcome in history.outcomes(stream)}.isdisjoint(effects), context
    assert stores[4].load(stream).balance >= 0, context
    assert history.verify(stream).sound, context
    flat = [outcome for outcomes in answers.values() for outcome in outcomes]
    ends |= {"refused" if each.refusal else "accepted" for each in flat}
    return ends | {"replayed" for each in flat if each.replayed}
