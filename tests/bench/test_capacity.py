"""docs/capacity.md says what the script computes, and the script still measures what it computes from."""

from pathlib import Path

import pytest

from bench.capacity.__main__ import PAGE
from bench.capacity.figures import Cost, Figures
from bench.capacity.installation import CONTAINERS, prod
from bench.capacity.measure import Sizes, measure
from bench.capacity.model import Model
from bench.capacity.page import filled, places
from bench.capacity.settings import Assumptions
from bench.capacity.tables import tables

AGAIN = "run python -m bench.capacity --measure"
NEARLY = 0.15
"""A small run has shorter numbers in its documents than the full one."""


@pytest.fixture(scope="module")
def committed() -> Figures:
    return Figures.load()


@pytest.fixture(scope="module")
def small() -> Figures:
    return measure(Sizes(pages=(1, 3), transfers=2, calls=2))


def test_the_page_has_the_tables_that_the_committed_figures_make(committed: Figures) -> None:
    page = PAGE.read_text()
    assert page == filled(page, tables(committed, Assumptions())), AGAIN


def test_every_table_of_the_page_has_rows(committed: Figures) -> None:
    page = PAGE.read_text()
    assert all(page[begin:end].count("\n|") > 2 for begin, end in places(page).values())


def test_commands_and_queries_cost_what_was_measured(small: Figures, committed: Figures) -> None:
    for before, now in ((committed.commands, small.commands), (committed.queries, small.queries)):
        assert before.keys() == now.keys()
        for name in before:
            _assert_alike(name, before[name], now[name])


def test_consumers_spend_what_was_measured(small: Figures, committed: Figures) -> None:
    assert small.consumers.keys() == committed.consumers.keys(), AGAIN
    for name, consumer in committed.consumers.items():
        _assert_alike(name, consumer.pages[1], small.consumers[name].pages[1])
        _assert_alike(f"{name}, idle", consumer.idle, small.consumers[name].idle)
        _assert_alike(f"{name}, a transfer", consumer.transfer, small.consumers[name].transfer, requests=False)
    assert small.events_per_transfer == committed.events_per_transfer, AGAIN


def test_a_page_costs_as_much_as_it_holds(committed: Figures) -> None:
    for name, consumer in committed.consumers.items():
        for size, measured in consumer.pages.items():
            reckoned = consumer.page + consumer.event * size
            assert reckoned.total_units == pytest.approx(measured.total_units, rel=0.05), f"{name}, {size} events"


def test_figures_come_back_from_their_file(small: Figures, tmp_path: Path) -> None:
    small.save(tmp_path / "figures.json")
    assert Figures.load(tmp_path / "figures.json") == small


def test_twice_the_commands_need_less_than_twice_the_request_units(committed: Figures) -> None:
    model = Model(committed, Assumptions())
    once, twice = model.plan(50, prod()), model.plan(100, prod())
    assert once.total_units < twice.total_units < 2 * once.total_units


def test_what_is_spent_is_the_sum_of_the_containers(committed: Figures) -> None:
    plan = Model(committed, Assumptions()).plan(1_000, prod())
    assert plan.units.keys() == set(CONTAINERS)
    assert sum(plan.spent.values()) == pytest.approx(plan.total_units)


def test_a_price_can_be_set(committed: Figures) -> None:
    cheap = Assumptions().changed(["autoscale_units=0.006"])
    usual, cheaper = (Model(committed, given).plan(1_000, prod()).cost for given in (Assumptions(), cheap))
    assert cheaper["Cosmos DB, request units"] == pytest.approx(usual["Cosmos DB, request units"] / 2)
    assert cheaper["Event Hubs"] == usual["Event Hubs"]


@pytest.mark.parametrize("setting", ["warm=0.1", "nothing=1", "storage=dear"])
def test_a_setting_that_makes_no_sense_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match=r"add up to 1|no setting|could not convert"):
        Assumptions().changed([setting])


def _assert_alike(name: str, before: Cost, now: Cost, *, requests: bool = True) -> None:
    if requests:
        assert now.requests == pytest.approx(before.requests), f"{name}: {AGAIN}"
    assert now.units == pytest.approx(before.units, rel=NEARLY, abs=1.0), f"{name}: {AGAIN}"
