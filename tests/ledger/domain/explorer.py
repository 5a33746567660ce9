"""Every order in which drivers of transfers and other people can get at the same accounts.

A walk over all states that a ledger and its drivers can reach. At each moment one of these happens: a driver runs its
next step and hears the outcome; or runs it and the answer is lost; or is killed and begins again, perhaps to give the
transfer up; or somebody else sends a command. Every step has one outcome for ever, so the states are finite without a
bound on how often a driver is killed, or on how late one that was forgotten goes on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from domain.ledger import Account, DomainError, Progress, StepRefused, account_stream, next_step, transfer_stream
from domain.ledger.transfer import Status
from tests.ledger.domain.invariants import Violation, check
from tests.ledger.domain.ledger import Ledger
from tests.ledger.domain.scenario import NOON

Command = Callable[[Account], Any]


@dataclass(frozen=True)
class World:
    """A ledger, what each driver knows, and which of the other people's commands have been taken."""

    ledger: Ledger
    state: Any
    drivers: tuple[Progress, ...]
    taken: frozenset[str] = frozenset()

    def key(self) -> Any:
        known = tuple((each.transfer.status, frozenset(each.outcomes.items()), each.give_up) for each in self.drivers)
        return self.state, known, self.taken

    def knows(self, place: int, progress: Progress) -> "World":
        return replace(self, drivers=(*self.drivers[:place], progress, *self.drivers[place + 1 :]))


@dataclass
class Explorer:
    """`commands`: name -> (account, command), each taken at most once, at any moment."""

    commands: dict[str, tuple[str, Command]] = field(default_factory=dict)
    gives_up: tuple[bool, ...] = (False, True)
    lost_answer: Callable[[Progress, Any], Progress] = lambda progress, _: progress
    worlds: set[Any] = field(default_factory=set)
    ledgers: set[Any] = field(default_factory=set)

    def explore(self, ledger: Ledger, *transfers: str) -> int:
        """The number of states, when nothing forbidden is in any of them and each of them comes to a good end."""
        pending = [World(ledger, ledger_state(ledger), tuple(ledger.progress(each) for each in transfers))]
        while pending:
            world = pending.pop()
            if world.key() in self.worlds:
                continue
            self.worlds.add(world.key())
            if world.state not in self.ledgers:
                self.ledgers.add(world.state)
                check(world.ledger)
                settle(world.ledger, transfers)
            pending += self._next(world)
        return len(self.worlds)

    def _next(self, world: World) -> Iterator[World]:
        for place, progress in enumerate(world.drivers):
            for give_up in self.gives_up:
                yield world.knows(place, world.ledger.progress(progress.transfer.transfer_id, give_up=give_up))
            step = next_step(progress)
            if step is not None:
                ran, refusal = self._run(world, step)
                yield ran.knows(place, self.lost_answer(progress, step))
                yield ran.knows(place, heard(progress, step, refusal))
        for name in self.commands.keys() - world.taken:
            yield self._taken(world, name)

    def _run(self, world: World, step: Any) -> tuple[World, str | None]:
        if (step.stream, step.command_id) in world.ledger.outcomes:
            return world, world.ledger.run(step, NOON)
        ledger = fork(world.ledger)
        refusal = ledger.run(step, NOON)
        return replace(world, ledger=ledger, state=ledger_state(ledger)), refusal

    def _taken(self, world: World, name: str) -> World:
        account_id, command = self.commands[name]
        account = world.ledger.load(account_stream(account_id))
        try:
            command(account)
        except DomainError:
            return world
        ledger = fork(world.ledger)
        ledger.streams[account.id] += account.collect_events()
        return replace(world, ledger=ledger, state=ledger_state(ledger), taken=world.taken | {name})


def fork(ledger: Ledger) -> Ledger:
    """The same ledger, to go on in another way."""
    streams = {stream: list(events) for stream, events in ledger.streams.items()}
    return replace(ledger, streams=streams, outcomes=dict(ledger.outcomes))


def ledger_state(ledger: Ledger) -> Any:
    """All of a ledger that can still matter: what its streams have come to, not how."""
    aggregates = frozenset(repr(ledger.load(stream)) for stream in ledger.streams)
    return aggregates, frozenset(ledger.outcomes.items())


def heard(progress: Progress, step: Any, refusal: str | None) -> Progress:
    try:
        return progress.after(step, refusal)
    except StepRefused as error:
        raise Violation(str(error)) from error


def settle(ledger: Ledger, transfers: tuple[str, ...]) -> None:
    """Somebody drives every transfer to its end, one after the other; then they all must have ended well."""
    ledger = fork(ledger)
    for each in transfers:
        try:
            ledger.drive(each, NOON)
        except StepRefused as error:
            raise Violation(f"{each} never ends: {error}") from error
        if ledger.load(transfer_stream(each)).status is Status.REQUESTED:
            raise Violation(f"{each} never ends")
    check(ledger)
