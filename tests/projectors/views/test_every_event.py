"""Whatever the domain accepts, every view takes it, with any events left out, and the store keeps it as it was sent."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any

import orjson
import pytest
from azure.cosmos import CosmosClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from domain.ledger import Account, DomainError, Transfer, account_stream, transfer_stream
from domain.ledger.values import MAX_AMOUNT
from eventstore.log.chain import genesis
from eventstore.log.documents import event_id, sealed
from eventstore.log.mapper import Mapper, schema_of
from localazure.cosmos import LocalCosmos, RequestInfo
from projectors.container import Document
from projectors.database import Database
from projectors.feed.change_feed import Page
from projectors.generations.generation import partition_key
from projectors.ledger import VIEWS
from projectors.views.streams.dead_letters import StreamDeadLetters
from projectors.views.streams.projector import StreamProjector
from projectors.views.streams.view import Change, StreamView
from projectors.views.sums.documents import Part, sum_document
from projectors.views.sums.projector import add_event
from projectors.views.sums.view import BUCKET, MAX_EXACT, SumView, plus
from projectors.views.view import View
from replay.contents.hashing import Contents
from replay.contents.streams import StreamContents
from tests.ledger.domain.ledger import Ledger

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEYOND = datetime.fromisoformat("9999-12-31T23:59:59-05:00")
numbers = itertools.count()

names = st.sampled_from(["alice", "alice", "bob", "z" * 64])
amounts = st.one_of(st.integers(1, 1000), st.integers(1, 1000), st.just(MAX_AMOUNT), st.integers(1, MAX_AMOUNT))
zones = st.one_of(st.just(UTC), st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))))
times = st.one_of(*[st.just(NOON)] * 4, st.datetimes(timezones=zones))
later = st.one_of(st.just(datetime.max.replace(tzinfo=UTC)), st.datetimes(NOON.replace(tzinfo=None), timezones=zones))
texts = st.none() | st.text(min_size=1, max_size=20)
placed = st.integers(0, 5)
"""Which of the open holds, the oldest first; 0 for one that has ended or never was."""


def command(name: str, **strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.tuples(st.just(name), names, times, st.fixed_dictionaries(strategies))


commands = st.one_of(
    command("deposit", amount=amounts, reference=texts, effective_date=st.none() | st.dates()),
    command("deposit", amount=st.just(MAX_AMOUNT)),
    command("withdraw", amount=amounts, reference=texts, effective_date=st.none() | st.dates()),
    command("withdraw", amount=st.just(MAX_AMOUNT)),
    *[command("place_hold", amount=amounts, reference=texts, expires_at=st.none() | later)] * 4,
    command("place_hold_as_of_old", amount=amounts, expires_at=later | st.just(BEYOND)),
    command("place_hold_as_of_old", amount=amounts, expires_at=times),
    *[command("capture_hold", hold_id=placed, amount=st.none() | amounts)] * 3,
    *[command("release_hold", hold_id=placed)] * 2,
    *[command("expire_hold", hold_id=placed)] * 2,
    command("set_limits", per_debit=st.none() | amounts, per_day=st.none() | amounts),
    command("freeze", reason=st.text(min_size=1, max_size=9)),
    *[command("unfreeze", reason=st.text(min_size=1, max_size=9))] * 2,
    command("close", reason=st.text(min_size=1, max_size=9)),
    command("transfer", target=names, amount=amounts, reference=texts, give_up=st.booleans()),
)


class Log:
    """What the domain accepted, and its documents in a container, under stream names of their own for each example."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self._mark = f"-{next(numbers)}"
        for name in ("alice", "bob", "z" * 64):
            self._execute(account_stream(name), lambda _, n=name: Account.open(n, asset="EUR/2", owner=n, at=NOON))
            for _ in range(2):
                self.take("deposit", name, NOON, {"amount": MAX_AMOUNT})

    def take(self, name: str, account: str, at: datetime, arguments: dict[str, Any]) -> None:
        """Runs a command. What the domain refuses has not happened."""
        with suppress(DomainError):
            if name == "transfer":
                self._transfer(account, at, **arguments)
            else:
                self._execute(account_stream(account), partial(self._decide, name, at, arguments))

    def documents(self) -> dict[str, list[Document]]:
        """By stream, sealed as the event store does it."""
        mapper: Mapper[str] = Mapper()
        found: dict[str, list[Document]] = {}
        for stream, events in self.ledger.streams.items():
            name, prev = stream[: 64 + len("transfer-") - len(self._mark)] + self._mark, genesis(stream)
            found[name] = []
            for event in events:
                stored = mapper.to_stored_event(event)
                document = sealed(
                    event_id(event.originator_version),
                    stream=name,
                    version=event.originator_version,
                    type_name=stored.topic,
                    schema=schema_of(type(event)),
                    state=stored.state,
                    meta={"id": "1", "recorded_at": NOON.isoformat()},
                    command_id=str(event.originator_version),
                    prev=prev,
                )
                prev = document["hash"]
                found[name].append(document)
        return found

    def _execute(self, stream: str, decide: Callable[[Any], Any]) -> None:
        self.ledger.execute(stream, str(next(numbers)), decide)

    @staticmethod
    def _decide(name: str, at: datetime, arguments: dict[str, Any], account: Account) -> Account:
        if name == "place_hold_as_of_old":
            hold = {"hold_id": account.holds.placed + 1, "transfer_id": None, "reference": None}
            account._move(Account.HoldPlaced, arguments["amount"], at, expires_at=arguments["expires_at"], **hold)
        else:
            if "hold_id" in arguments:
                there = [0, *account.holds.open]
                arguments = arguments | {"hold_id": there[arguments["hold_id"] % len(there)]}
            getattr(account, name)(at=at, **arguments)
        return account

    def _transfer(self, source: str, at: datetime, *, give_up: bool, **movement: Any) -> None:
        name = f"t{next(numbers)}"
        request = partial(Transfer.request, name, source=source, asset="EUR/2", at=at, **movement)
        self._execute(transfer_stream(name), lambda _: request())
        if self.ledger.load(transfer_stream(name)) is not None:
            self.ledger.drive(name, at, give_up=give_up)


def refusing(view: StreamView, versions: set[int]) -> StreamView:
    """The view, but that it cannot apply these versions of any stream."""

    def apply(self: StreamView, change: Change, event: Any) -> None:
        if event.originator_version in versions:
            change.state["spoilt"] = True
            raise ValueError("left out")
        super(kind, self).apply(change, event)

    kind = type("Refusing", (type(view),), {"apply": apply})
    made: StreamView = kind()
    return made


@contextmanager
def exact_numbers(cosmos: LocalCosmos) -> Iterator[None]:
    """Nothing is sent to the views that a store of doubles would change."""

    def look(info: RequestInfo, phase: str) -> None:
        if phase == "before" and info.container == "views" and info.body:
            sent.append(info.body)

    sent: list[bytes] = []
    remove = cosmos.faults.on_request(look)
    try:
        yield
    finally:
        remove()
    assert all(abs(number) <= MAX_EXACT for body in sent for number in numbers_in(orjson.loads(body)))


def numbers_in(value: Any) -> Iterator[int | float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from numbers_in(item)
    elif isinstance(value, int | float):
        yield value


def project(
    stores: Database, view: StreamView, generation: int, streams: dict[str, list[Document]], left: set[int], cut: int
) -> None:
    """Every stream through the processor, in pages of `cut` events and handlers without memory; left out, then on."""
    unwilling = refusing(view, left)
    for stream, documents in streams.items():
        if not view.reads(stream):
            continue
        handler = projector(stores, unwilling, generation)
        for number, start in enumerate(range(0, len(documents), cut)):
            page = documents[start : start + cut]
            if number % 2:
                handler = projector(stores, unwilling, generation)
            handler.handle(Page(page, start + cut, len(page), full=False, head=None))
            handler.flush()
        drain = StreamDeadLetters(
            unwilling, generation, views=stores.views, history=stores.history, mapper=stores.mapper
        )
        while (failed := drain.retry(stream)) is not None:
            assert failed["reason"] == "ValueError: left out", failed
            drain.drop(stream, failed["version"], by="olga", at=NOON)


def projector(stores: Database, view: StreamView, generation: int) -> StreamProjector:
    return StreamProjector(view, generation, views=stores.views, history=stores.history, mapper=stores.mapper)


def add_up(
    stores: Database, view: SumView, generation: int, streams: dict[str, list[Document]], left: set[int]
) -> None:
    sums: dict[str, dict[str, int]] = {}
    for stream, documents in streams.items():
        for document in documents if view.reads(stream) else ():
            if document["version"] not in left:
                for key, amounts in add_event(view, stores.mapper, document).by_key.items():
                    sums[key] = plus(sums.get(key, {}), amounts)
    partition = partition_key(view.name, generation, BUCKET)
    for key, amounts in sums.items():
        stored = sum_document(partition, "00-FF", Part(key, None), amounts, 1)
        stores.views.create(stored)
        assert stores.views.read(stored["id"], partition)["sums"] == stored["sums"]
        assert plus(stored["sums"], {}) == dict(sorted(amounts.items()))


def check(stores: Database, view: View, generation: int, streams: Sequence[str]) -> None:
    """What is stored is a plain fold of the log, and the whole of it is applied."""
    if not isinstance(view, StreamView):
        return
    contents = StreamContents(stores, view, generation)
    found: dict[str, Contents] = {each.name: each for each in contents.all()}
    assert found.keys() == {stream for stream in streams if view.reads(stream)}
    for stored in found.values():
        expected = contents.expected(stored)
        assert (stored.version, stored.parked) == (expected.head, False)
        assert stored.hash == expected.contents.hash, f"{view.name} {stored.name}"


MANY = [
    *[("deposit", "alice", NOON, {"amount": MAX_AMOUNT}), ("withdraw", "alice", NOON, {"amount": MAX_AMOUNT})] * 12,
    *[("place_hold", "bob", NOON, {"amount": 1, "reference": "a"})] * 3,
]


@given(
    taken=st.lists(commands, min_size=15, max_size=40),
    left=st.sets(st.integers(1, 25)),
    cut=st.integers(1, 12),
)
@example(taken=MANY, left=set(range(3, 26, 2)), cut=7)
@example(taken=MANY, left=set(range(2, 26, 2)), cut=5)
@pytest.mark.timeout(600)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_every_view_takes_every_event_and_goes_on_without_any(
    cosmos: LocalCosmos, client: CosmosClient, database: str, taken: list[Any], left: set[int], cut: int
) -> None:
    log, stores, generation = Log(), Database.open(client, database), next(numbers) + 1
    for each in taken:
        log.take(*each)
    streams = log.documents()
    events = client.get_database_client(database).get_container_client("events")
    for stream, documents in streams.items():
        for start in range(0, len(documents), 90):
            events.execute_item_batch([("create", (each,)) for each in documents[start : start + 90]], stream)
    with exact_numbers(cosmos):
        for view in VIEWS.values():
            if isinstance(view, StreamView):
                project(stores, view, generation, streams, left, cut)
            elif isinstance(view, SumView):
                add_up(stores, view, generation, streams, left)
            check(stores, view, generation, list(streams))
