"""The request-unit model.

Published costs it is fitted to (https://learn.microsoft.com/azure/cosmos-db/request-units and
https://learn.microsoft.com/azure/cosmos-db/key-value-store-cost):

    point read            1 KB: 1 RU           100 KB: 10 RU
    create, not indexed   1 KB: 5.5 RU         100 KB: 50 RU
    replace               twice a create; delete costs a create
    304 and 404           1 RU

In between the model is linear in started kilobytes. Each indexed value adds `INDEX_TERM`; a query costs
`QUERY_BASE` per physical partition and then by what it loads and returns. These last three are this model's own
figures: right in proportion, not to the digit.
"""

from __future__ import annotations

POINT_READ_MISS = 1.0
METADATA_READ = 1.0
METADATA_WRITE = 4.95
INDEX_TERM = 0.2
QUERY_BASE = 2.27
QUERY_PER_ITEM = 0.03
QUERY_PER_KB = 0.05
QUERY_PER_SCANNED_ITEM = 0.01
FEED_BASE = 1.0
FEED_PER_KB = 0.1
PLAN = 1.0

_READ_PER_KB = (10.0 - 1.0) / 99
_WRITE_PER_KB = (50.0 - 5.5) / 99


def point_read(size: int) -> float:
    """One item of `size` bytes by id and partition key, at session consistency or weaker."""
    return 1.0 + _READ_PER_KB * ((size + 1023) // 1024 - 1)


def create(size: int, terms: int) -> float:
    """One new item of `size` bytes with `terms` indexed values."""
    return 5.5 + _WRITE_PER_KB * ((size + 1023) // 1024 - 1) + INDEX_TERM * terms


def replace(size: int, terms: int) -> float:
    """One item overwritten: old version out, new version in."""
    return 2 * create(size, terms)


def query(returned: int, size: int, scanned: int) -> float:
    """One page of a query: items returned, their bytes, and items that had to be loaded."""
    return (
        QUERY_BASE
        + QUERY_PER_ITEM * returned
        + QUERY_PER_KB * (size / 1024)
        + QUERY_PER_SCANNED_ITEM * max(0, scanned - returned)
    )


def feed(size: int) -> float:
    """One page of the change feed."""
    return FEED_BASE + FEED_PER_KB * (size / 1024)
