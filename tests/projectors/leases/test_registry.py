"""Generations: one rebuild at a time, numbers used once, a pointer that moves by conditional writes."""

import pytest
from azure.cosmos import CosmosClient

from localazure.cosmos import LocalCosmos
from projectors.database import Database
from projectors.errors import RebuildRunning, RegistryChanged, UnknownGeneration
from projectors.generations.registry import CachedRegistry, Registry

AT = "2026-11-23T12:00:00+00:00"


@pytest.fixture
def registry(client: CosmosClient, database: str) -> Registry:
    return Database.open(client, database).registry


def test_a_view_that_was_never_rebuilt_serves_generation_1(registry: Registry) -> None:
    assert (registry.of("statement").serving, registry.of("statement").live, registry.all()) == (1, [1], {})


def test_a_generation_keeps_the_shape_of_the_code_that_began_it(registry: Registry, cosmos: LocalCosmos) -> None:
    assert registry.describe("statement", 1, "old") == "old"
    assert registry.describe("statement", 1, "new") == "old"
    assert registry.describe("statement", 7, "new") == "new"
    built = registry.build("statement", by="me", at=AT).last
    cosmos.faults.add(lose_answer=True, operation="replace", count=1)
    assert registry.describe("statement", built, "new") == "new"
    assert registry.switch("statement", built, at=AT).shapes == {1: "old", 2: "new"}
    registry.drop("statement", 1)
    assert registry.of("statement").shapes == {2: "new"}


def test_a_second_rebuild_is_refused_with_the_name_of_the_first(registry: Registry) -> None:
    assert registry.build("statement", by="first", at=AT).building.generation == 2
    with pytest.raises(RebuildRunning, match="by first"):
        registry.build("statement", by="second", at=AT)


def test_of_two_rebuilds_that_start_at_once_one_is_refused(registry: Registry, cosmos: LocalCosmos) -> None:
    """A blind write would let both build the same generation."""
    registry.keep("statement", registry.build("statement", by="zero", at=AT).last, at=AT)

    def other(info: object, phase: str) -> None:
        if getattr(info, "operation", "") == "replace" and phase == "before":
            remove()
            registry.build("statement", by="other", at=AT)

    remove = cosmos.faults.on_request(other)
    with pytest.raises(RebuildRunning, match="by other"):
        registry.build("statement", by="first", at=AT)
    assert registry.of("statement").building.by == "other"


def test_a_number_is_never_used_again(registry: Registry) -> None:
    """A worker of an abandoned rebuild that wakes up late writes items made by old code."""
    registry.build("statement", by="first", at=AT)
    registry.abandon("statement")
    assert registry.build("statement", by="second", at=AT).building.generation == 3


def test_a_switch_keeps_the_generation_before_and_can_be_undone(registry: Registry) -> None:
    registry.build("statement", by="first", at=AT)
    switched = registry.switch("statement", 2, at=AT)
    assert (switched.serving, switched.building, switched.kept, switched.live) == (2, None, {1: AT}, [1, 2])
    undone = registry.switch("statement", 1, at=AT)
    assert (undone.serving, undone.kept) == (1, {2: AT})
    with pytest.raises(UnknownGeneration, match="it has 1, 2"):
        registry.switch("statement", 7, at=AT)


def test_only_the_builder_works_a_generation_that_is_being_built(registry: Registry) -> None:
    assert registry.build("statement", by="first", at=AT).live == [1]


def test_a_build_whose_builder_is_gone_is_taken_up_by_one_other(registry: Registry) -> None:
    left = registry.build("statement", by="gone", at=AT).building
    assert registry.adopt("statement", left, by="second", at=AT).building.by == "second"
    with pytest.raises(RebuildRunning, match="by second"):
        registry.adopt("statement", left, by="third", at=AT)
    registry.abandon("statement")
    with pytest.raises(RegistryChanged):
        registry.adopt("statement", left, by="third", at=AT)


def test_a_lost_answer_to_the_start_of_a_build_does_not_start_two(registry: Registry, cosmos: LocalCosmos) -> None:
    cosmos.faults.add(lose_answer=True, timeout=True, operation="create", count=1)
    assert registry.build("statement", by="first", at=AT).building.generation == 2


@pytest.mark.parametrize("lost", [{"timeout": True}, {"status": 503}], ids=["timed out", "sent again by the SDK"])
def test_a_lost_answer_to_any_change_is_a_change_that_was_made(
    registry: Registry, cosmos: LocalCosmos, lost: dict[str, int | bool]
) -> None:
    def losing() -> None:
        cosmos.faults.clear()
        cosmos.faults.add(lose_answer=True, operation="replace", count=1, **lost)

    registry.build("statement", by="first", at=AT)
    losing()
    assert registry.keep("statement", 2, at=AT).kept == {2: AT}
    losing()
    assert registry.switch("statement", 2, at=AT).kept == {1: AT}
    losing()
    assert registry.drop("statement", 1).kept == {}
    losing()
    assert registry.build("statement", by="second", at=AT).building.generation == 3
    losing()
    assert registry.abandon("statement").building is None
    assert registry.of("statement").last == 3


def test_what_serves_cannot_be_dropped(registry: Registry) -> None:
    with pytest.raises(UnknownGeneration):
        registry.drop("statement", 1)


def test_readers_see_a_switch_as_soon_as_their_copy_is_old(registry: Registry) -> None:
    now = 0.0
    cached = CachedRegistry(registry, seconds=0.5, clock=lambda: now)
    assert cached.serving("statement") == 1
    registry.build("statement", by="first", at=AT)
    registry.switch("statement", 2, at=AT)
    assert cached.serving("statement") == 1
    now = 0.6
    assert cached.serving("statement") == 2
