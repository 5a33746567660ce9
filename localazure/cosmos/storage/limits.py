"""The service's published limits: one number each, with its source where it is not the table below.

Per item, request and account: https://learn.microsoft.com/azure/cosmos-db/concepts-limits
"""

from __future__ import annotations

from typing import Final

ITEM_BYTES: Final = 2 * 1024 * 1024
"""Bytes of an item's text, and of a request."""

ITEM_ID_BYTES: Final = 1023
"""Bytes of UTF-8 of an item's id."""

NAME_CHARACTERS: Final = 255
"""Characters of the id of a database or a container."""

NESTING: Final = 128
"""Levels of objects and arrays inside an item."""

EXACT_INTEGER: Final = 2**53
"""Numbers are IEEE 754 binary64: beyond this not every whole number is one of them."""

KEY_BYTES: Final = 2048
"""Bytes of UTF-8 of one value of a partition key. A definition of version 1 hashes 101 of them, and stores all:
https://learn.microsoft.com/azure/cosmos-db/large-partition-keys"""

KEY_PATHS: Final = 3
"""Levels of a hierarchical partition key: https://learn.microsoft.com/azure/cosmos-db/hierarchical-partition-keys"""

BATCH_OPERATIONS: Final = 100
"""Operations of a transactional batch: https://learn.microsoft.com/azure/cosmos-db/transactional-batch"""

PATCH_OPERATIONS: Final = 10
"""Operations of a patch: https://learn.microsoft.com/azure/cosmos-db/partial-document-update-faq"""

RESPONSE_BYTES: Final = 4 * 1024 * 1024
"""Bytes of one page of a query or a feed."""

UNIQUE_KEYS: Final = 10
"""Unique keys of a container: https://learn.microsoft.com/azure/cosmos-db/unique-keys"""

UNIQUE_PATHS: Final = 16
"""Paths of all unique keys of a container together."""

TTL_SECONDS: Final = 2**31 - 1
"""The longest time to live."""

SESSION_OR_WEAKER: Final = frozenset({"Session", "ConsistentPrefix", "Eventual"})
"""The levels a request may ask for: the account's, which is Session, and what is weaker.
https://learn.microsoft.com/azure/cosmos-db/consistency-levels"""
