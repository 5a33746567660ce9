"""Prefetching: pages of several feed ranges are read in threads while the pages before them are verified."""

from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

Page = TypeVar("Page")


def prefetched(places: Iterable[Iterator[Page]], *, jobs: int) -> Generator[Page, None, None]:
    """The pages of all places: in order within a place, as they come between places.

    `jobs` places are read at a time, one page ahead of each. Memory holds those pages and no more, whatever the number
    of places: the next one is begun when one has ended.
    """
    waiting: dict[Future[Page | None], Iterator[Page]] = {}
    rest = iter(places)
    with ThreadPoolExecutor(jobs, "read") as pool:

        def fetch(place: Iterator[Page]) -> None:
            waiting[pool.submit(next, place, None)] = place

        try:
            for place in islice(rest, jobs):
                fetch(place)
            while waiting:
                for done in wait(waiting, return_when=FIRST_COMPLETED).done:
                    place, page = waiting.pop(done), done.result()
                    following = place if page is not None else next(rest, None)
                    if following is not None:
                        fetch(following)
                    if page is not None:
                        yield page
        finally:
            for future in waiting:
                future.cancel()
