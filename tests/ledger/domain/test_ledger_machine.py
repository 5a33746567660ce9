"""Random commands, repeated and stale ones, clocks that jump, drivers that die between steps, against a plain model."""

from collections.abc import Callable
from datetime import timedelta
from operator import methodcaller
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule

from domain.ledger import Account, DomainError, Progress, Transfer, account_stream, next_step, transfer_stream
from tests.ledger.domain.invariants import check
from tests.ledger.domain.ledger import Ledger
from tests.ledger.domain.model import Model, ModelAccount, ModelTransfer
from tests.ledger.domain.scenario import NOON

ASSETS = {"alice": "EUR/2", "bob": "EUR/2", "carol": "EUR/2", "dora": "USD/2"}
names = st.sampled_from(sorted(ASSETS))
amounts = st.integers(1, 200)
limits = st.none() | st.integers(50, 900)
rarely = st.sampled_from([False, False, False, True])
staleness = st.none() | st.integers(0, 3)

Outcome = str | None


class LedgerMachine(RuleBasedStateMachine):
    transfers: Bundle[str] = Bundle("transfers")
    drivers: Bundle[int] = Bundle("drivers")

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.model = Model()
        self.now = NOON
        self.progress: list[Progress] = []
        self.sent: list[tuple[str, str, Callable[[Any], Any]]] = []

    @property
    def completed(self) -> list[str]:
        return [name for name, transfer in self.model.transfers.items() if transfer.status == "completed"]

    @initialize()
    def begin(self) -> None:
        for name in ("alice", "bob", "carol"):
            self.open(name)
            self.deposit(name, 500, None)

    @rule(name=names)
    def open(self, name: str) -> None:
        def decide(account: Account | None) -> Account:
            return account or Account.open(name, asset=ASSETS[name], owner=name, at=self.now)

        self._execute(account_stream(name), decide)
        self.model.accounts.setdefault(name, ModelAccount(ASSETS[name]))

    @rule(name=names, amount=amounts, stale=staleness)
    def deposit(self, name: str, amount: int, stale: int | None) -> None:
        self._command(name, stale, "deposit", amount, model=methodcaller("deposit", amount))

    @rule(name=names, amount=amounts, stale=staleness)
    def withdraw(self, name: str, amount: int, stale: int | None) -> None:
        self._command(name, stale, "withdraw", amount, model=methodcaller("withdraw", amount, self.now))

    @rule(name=names, amount=amounts, hours=st.none() | st.integers(1, 48), stale=staleness)
    def place_hold(self, name: str, amount: int, hours: int | None, stale: int | None) -> None:
        until = None if hours is None else self.now + timedelta(hours=hours)
        model = methodcaller("place_hold", amount, self.now, until)
        self._command(name, stale, "place_hold", amount, expires_at=until, model=model)

    @rule(name=names, data=st.data(), stale=staleness)
    def end_a_hold(self, name: str, data: st.DataObject, stale: int | None) -> None:
        """Mostly one that was placed, open or ended; at times one that never was."""
        account = self.model.accounts.get(name, ModelAccount(""))
        placed = sorted([*account.open_holds, *account.ended_holds])
        number = data.draw(st.sampled_from([*placed, *placed, len(placed) + 1]))
        how = data.draw(st.sampled_from(["capture", "capture", "release", "expire"]))
        if how == "capture":
            amount = data.draw(st.none() | amounts)
            model = methodcaller("capture", number, amount, self.now)
            self._command(name, stale, "capture_hold", number, amount, model=model)
        elif how == "release":
            self._command(name, stale, "release_hold", number, model=methodcaller("release", number))
        else:
            self._command(name, None, "expire_hold", number, model=methodcaller("expire", number, self.now))

    @rule(name=names, data=st.data(), per_debit=limits, per_day=limits)
    def administer(self, name: str, data: st.DataObject, per_debit: int | None, per_day: int | None) -> None:
        how = data.draw(st.sampled_from(["set_limits", "set_limits", "freeze", "unfreeze", "unfreeze", "close"]))
        if how == "set_limits":
            model = methodcaller("set_limits", per_debit, per_day)
            self._command(name, None, how, per_debit=per_debit, per_day=per_day, model=model)
        elif how == "close":
            self._command(name, None, how, reason="because", model=methodcaller("close"))
        else:
            self._command(name, None, how, reason="because", model=methodcaller("freeze", how == "freeze"))

    @rule(name=names, really=rarely)
    def empty_and_close(self, name: str, really: bool) -> None:
        account = self.model.accounts.get(name)
        if account and account.balance > account.held and really:
            amount = account.balance - account.held
            self._command(name, None, "withdraw", amount, model=methodcaller("withdraw", amount, self.now))
        self._command(name, None, "close", reason="because", model=methodcaller("close"))

    @rule(hours=st.integers(-2, 30))
    def time_passes_or_another_clock_lags(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(target=transfers, source=names, receiver=names, amount=amounts)
    def request_transfer(self, source: str, receiver: str, amount: int) -> Any:
        if source == receiver:
            return multiple()
        return self._request(ModelTransfer(source, receiver, amount, ASSETS[source], None))

    @rule(target=transfers, reverses=transfers, in_part=rarely)
    def request_reversal(self, reverses: str, in_part: bool) -> str:
        original = self.model.transfers[reverses]
        amount = original.amount + in_part
        return self._request(ModelTransfer(original.target, original.source, amount, original.asset, reverses))

    @precondition(lambda self: self.completed)
    @rule(target=transfers, data=st.data())
    def reverse_a_completed_transfer(self, data: st.DataObject) -> str:
        return self.request_reversal(data.draw(st.sampled_from(self.completed)), in_part=False)

    @rule(target=drivers, transfer=transfers, give_up=rarely, steps=st.integers(1, 6), answer_is_lost=rarely)
    def start_a_driver(self, transfer: str, give_up: bool, steps: int, answer_is_lost: bool) -> int:
        self.progress.append(self.ledger.progress(transfer, give_up=give_up))
        driver = len(self.progress) - 1
        self.run_a_driver(driver, steps, answer_is_lost)
        return driver

    @rule(driver=drivers, steps=st.integers(1, 6), answer_is_lost=rarely)
    def run_a_driver(self, driver: int, steps: int, answer_is_lost: bool) -> None:
        """Some steps and no more, for now. After a lost answer it takes the last step again when it goes on."""
        for left in reversed(range(steps)):
            step = next_step(self.progress[driver])
            if step is None:
                return
            first = (step.stream, step.command_id) not in self.ledger.outcomes
            transfer_id = step.transfer.transfer_id
            refusal = self.ledger.run(step, self.now)
            if first:
                gives_up = getattr(step, "give_up", False)
                expected = "TRANSFER_GIVEN_UP" if gives_up else self.model.step(transfer_id, step.action, self.now)
                assert refusal == expected
            if left or not answer_is_lost:
                self.progress[driver] = self.progress[driver].after(step, refusal)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def repeat_a_command(self, data: st.DataObject) -> None:
        stream, command_id, decide = data.draw(st.sampled_from(self.sent))
        before = {name: len(events) for name, events in self.ledger.streams.items()}
        outcome = self.ledger.outcomes[stream, command_id]
        assert self.ledger.execute(stream, command_id, decide) == outcome
        assert before == {name: len(events) for name, events in self.ledger.streams.items()}

    @invariant()
    def what_must_be_true_is(self) -> None:
        check(self.ledger)

    @invariant()
    def accounts_are_as_in_the_model(self) -> None:
        for name, expected in self.model.accounts.items():
            account = self.ledger.load(account_stream(name))
            assert (account.balance, account.held) == (expected.balance, expected.held)
            assert account.available == expected.balance - expected.held
            assert account.holds.open.keys() == expected.open_holds.keys()
            assert account.holds.placed == len(expected.open_holds) + len(expected.ended_holds)
            assert account.status == ("closed" if expected.closed else "frozen" if expected.frozen else "open")

    @invariant()
    def transfers_are_as_in_the_model(self) -> None:
        for transfer_id, expected in self.model.transfers.items():
            transfer = self.ledger.load(transfer_stream(transfer_id))
            assert (transfer.status, transfer.reversed_by) == (expected.status, expected.reversed_by)

    def teardown(self) -> None:
        """However the drivers left them, all transfers can be driven to an end."""
        for transfer_id in self.model.transfers:
            self.ledger.drive(transfer_id, self.now)
            assert self.ledger.load(transfer_stream(transfer_id)).status != "requested"
        check(self.ledger)

    def _command(
        self,
        name: str,
        stale: int | None,
        method: str,
        *arguments: Any,
        model: Callable[[ModelAccount], Outcome],
        **options: Any,
    ) -> None:
        if name not in self.model.accounts:
            return
        at = self.now

        def decide(account: Account) -> Account:
            getattr(account, method)(*arguments, at=at, **options)
            return account

        stream = account_stream(name)
        seen = None if stale is None else max(1, len(self.ledger.streams[stream]) - stale)
        try:
            outcome = self._execute(stream, decide, seen)
        except DomainError as error:
            outcome = error.code
        assert outcome == model(self.model.accounts[name])

    def _request(self, transfer: ModelTransfer) -> str:
        transfer_id = f"t{len(self.model.transfers) + 1}"
        self.model.transfers[transfer_id] = transfer
        asked = {name: getattr(transfer, name) for name in ("source", "target", "amount", "asset", "reverses")}
        at = self.now
        self._execute(
            transfer_stream(transfer_id), lambda _: Transfer.request(transfer_id, **asked, reason="because", at=at)
        )
        return transfer_id

    def _execute(self, stream: str, decide: Callable[[Any], Any], seen: int | None = None) -> Outcome:
        command_id = f"client-{len(self.sent)}"
        outcome = self.ledger.execute(stream, command_id, decide, seen=seen)
        self.sent.append((stream, command_id, decide))
        return outcome


LedgerMachine.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
test_random_commands_keep_the_ledger_sound = LedgerMachine.TestCase
