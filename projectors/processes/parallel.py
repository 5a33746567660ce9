"""The same work on many items, where one that fails must not hold up the others."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from typing import TypeVar

from projectors.throughput.pulse import beat

T = TypeVar("T")


def each(executor: Executor | None, work: Callable[[T], object], items: Sequence[T]) -> dict[T, Exception]:
    """Does `work` on every item, in the caller's thread without an `executor`; what was raised, by item."""

    def attempt(item: T) -> Exception | None:
        try:
            work(item)
        except Exception as error:  # noqa: BLE001 - handed to the caller once all the others had their turn
            return error
        return None

    results: Iterable[Exception | None] = map(attempt, items) if executor is None else executor.map(attempt, items)
    raised: dict[T, Exception] = {}
    for item, error in zip(items, results, strict=True):
        beat()
        if error is not None:
            raised[item] = error
    return raised
