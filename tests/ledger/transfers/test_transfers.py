"""What is requested is done: the consumer drives every transfer to one end or the other."""

from typing import Any

import orjson
import pytest

from domain.ledger import personal_fields
from domain.ledger.transfer import Status
from eventstore.log.mapper import Mapper
from localazure.cosmos import LocalCosmos
from projectors.errors import Unavailable
from projectors.ledger.transfers.consumer import TransferPages
from projectors.ledger.transfers.driver import TransferUnseen
from tests.ledger.transfers.bank import Bank

STEPS = ["alice hold-placed", "bob funds-credited", "alice hold-captured"]


def steps(bank: Bank) -> list[str]:
    """What happened after the request."""
    told = bank.told()
    return [line.removeprefix("account-") for line in told[told.index("transfer-t1 requested") + 1 :]]


def test_a_transfer_moves_its_money_step_by_step(bank: Bank) -> None:
    bank.request()
    bank.settle()
    assert steps(bank) == [*STEPS, "transfer-t1 completed"]
    assert (bank.account("alice"), bank.account("bob")) == ((0, 0), (500, 0))
    bank.check()


@pytest.mark.parametrize(
    ("prepare", "changes", "code"),
    [
        (None, {"target": "nobody"}, "ACCOUNT_NOT_FOUND"),
        (lambda account: account.close(reason="left", at=account.modified_on), {}, "ACCOUNT_CLOSED"),
        (None, {"target": "dora"}, "ASSET_MISMATCH"),
    ],
)
def test_a_refused_credit_gives_the_money_back(bank: Bank, prepare: Any, changes: dict[str, str], code: str) -> None:
    bank.open("dora", asset="USD/2")
    if prepare:
        bank.act("bob", prepare)
    bank.request(**changes)
    bank.settle()
    assert steps(bank) == ["alice hold-placed", "alice hold-released", "transfer-t1 failed"]
    assert bank.failure() == ("credit", code)
    assert bank.account("alice") == (500, 0)
    bank.check()


def test_a_refused_hold_ends_the_transfer_at_once(bank: Bank) -> None:
    bank.request(amount=501)
    bank.settle()
    assert steps(bank) == ["transfer-t1 failed"]
    assert bank.failure() == ("hold", "INSUFFICIENT_FUNDS")
    bank.check()


def test_a_frozen_target_takes_the_money(bank: Bank) -> None:
    bank.act("bob", lambda account: account.freeze(reason="fraud?", at=bank.clock.now))
    bank.request()
    bank.settle()
    assert bank.status() is Status.COMPLETED
    bank.check()


def test_a_source_frozen_between_the_steps_still_pays(bank: Bank) -> None:
    bank.request()

    def freeze(info: Any, phase: str) -> None:
        if phase == "before" and b"account.funds-credited" in info.body and b"transfer" in info.body:
            remove()
            bank.act("alice", lambda account: account.freeze(reason="fraud?", at=bank.clock.now))

    remove = bank.cosmos.faults.on_request(freeze)
    bank.settle()
    assert steps(bank) == ["alice hold-placed", "alice frozen", *STEPS[1:], "transfer-t1 completed"]
    bank.check()


def test_a_reversal_moves_everything_back_and_a_second_one_nothing(bank: Bank) -> None:
    bank.request()
    bank.settle()
    for reversal in ("r1", "r2"):
        bank.request(reversal, source="bob", target="alice", reverses="t1", reason="sent twice")
    bank.settle()
    assert {bank.status("r1"), bank.status("r2")} == {Status.COMPLETED, Status.FAILED}
    assert (bank.account("alice"), bank.account("bob")) == ((500, 0), (0, 0))
    assert bank.transfer().reversed_by in ("r1", "r2")
    bank.check()


def test_a_reversal_that_fails_lets_another_one_try(bank: Bank) -> None:
    bank.request()
    bank.settle()
    bank.act("bob", lambda account: account.withdraw(500, at=bank.clock.now))
    bank.request("r1", source="bob", target="alice", reverses="t1", reason="sent twice")
    bank.settle()
    assert bank.failure("r1") == ("hold", "INSUFFICIENT_FUNDS")
    bank.act("bob", lambda account: account.deposit(500, at=bank.clock.now))
    bank.request("r2", source="bob", target="alice", reverses="t1", reason="sent twice")
    bank.settle()
    assert bank.status("r2") is Status.COMPLETED
    bank.check()


def test_many_transfers_between_few_accounts_all_end(bank: Bank) -> None:
    for number in range(20):
        there = {"source": "alice", "target": "bob"} if number % 2 else {"source": "bob", "target": "alice"}
        bank.request(f"t{number}", amount=100 + number, **there)
    assert bank.worker(bank.processes(parallel=4)).run_until_idle(30).idle
    assert bank.account("alice")[0] + bank.account("bob")[0] == 500
    bank.check()


def test_every_step_tells_its_story(bank: Bank) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    bank.request(metadata={"correlation": "order-7", "traceparent": traceparent, "actor": "user:1"})
    bank.settle()
    request, hold, credit, capture, complete = bank.log()[-5:]
    assert {event.meta["correlation"] for event in (request, hold, credit, capture, complete)} == {"order-7"}
    assert {event.meta["traceparent"] for event in (hold, credit, capture, complete)} == {traceparent}
    assert {event.meta["actor"] for event in (hold, credit, capture, complete)} == {"process:transfers"}
    causes = [event.meta["causation"] for event in (hold, credit, capture, complete)]
    assert causes == [event.command_id for event in (request, hold, credit, capture)]


def test_a_transfer_without_a_correlation_is_its_own_story(bank: Bank) -> None:
    bank.request()
    bank.settle()
    assert [event.meta.get("correlation") for event in bank.log()[-4:]] == ["t1"] * 4


def test_a_transfer_that_has_ended_is_not_driven_again(bank: Bank) -> None:
    bank.request()
    bank.settle()
    driver = bank.processes().driver
    bank.cosmos.log.clear()
    assert driver.drive("t1") is driver.drive("t1") is Status.COMPLETED
    assert bank.cosmos.log.count("query") == bank.cosmos.log.count(container="events") == 1


def test_a_page_with_request_and_end_asks_nothing_of_the_store(bank: Bank) -> None:
    bank.request()
    bank.settle()
    events = bank.log()
    bank.cosmos.log.clear()
    TransferPages(bank.processes().driver, None).work(events)
    assert bank.cosmos.log.count() == 0


def test_the_page_comes_again_while_the_store_is_away(bank: Bank) -> None:
    bank.request()
    bank.cosmos.faults.add(status=503, operation="create", container="events", skip=1)
    worker = bank.worker()
    visit = worker.run_until_idle(0.1)
    assert not visit.idle
    assert "no answer for stream account-bob" in next(iter(visit.failures.values()))
    bank.cosmos.faults.clear()
    assert worker.run_until_idle(30).idle
    assert steps(bank) == [*STEPS, "transfer-t1 completed"]
    bank.check()


def test_a_transfer_that_cannot_be_read_yet_is_asked_for_again(bank: Bank) -> None:
    with pytest.raises(TransferUnseen, match="transfer t9 was requested"):
        bank.processes().driver.drive("t9")
    assert issubclass(TransferUnseen, Unavailable)


def test_a_transfer_that_only_a_person_can_mend_holds_up_no_other_one(
    bank: Bank, caplog: pytest.LogCaptureFixture
) -> None:
    bank.open("carl", 70)
    bank.request("t1")
    bank.request("t2", source="carl", amount=70)
    with bank.watched(bank.other_hands_release_the_hold_of("t1")):
        visit = bank.worker().run_until_idle(30)
    assert visit.idle
    assert not visit.failures
    assert (bank.status("t1"), bank.status("t2")) == (Status.REQUESTED, Status.COMPLETED)
    assert "transfer t1 is left to the watchdog: transfer·t1·capture was refused with HOLD_NOT_FOUND" in caplog.text


class Reversed:
    """Stands for encryption: personal text is stored backwards, with a mark that a second time would double."""

    def encode(self, event_class: type, stream: str, fields: dict[str, Any]) -> None:
        for name in personal_fields(event_class):
            if fields.get(name) is not None:
                fields[name] = "sealed " + fields[name][::-1]

    def decode(self, event_class: type, stream: str, fields: dict[str, Any]) -> None:
        for name in personal_fields(event_class):
            if fields.get(name) is not None:
                fields[name] = fields[name].removeprefix("sealed ")[::-1]


def test_personal_text_of_a_transfer_is_sealed_once_on_every_account(cosmos: LocalCosmos) -> None:
    bank = Bank(cosmos, Mapper(fields=Reversed()))
    bank.open("alice", 500)
    bank.open("bob")
    bank.request(reference="rent")
    bank.settle()
    moved = [event for event in bank.log() if event.type in ("account.hold-placed", "account.funds-credited")][-2:]
    assert [orjson.loads(event.state)["reference"] for event in moved] == ["sealed tner"] * 2
    assert [bank.mapper.domain_event(event).reference for event in moved] == ["rent"] * 2
