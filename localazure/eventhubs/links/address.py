"""What a link is for, read from the address of its terminus.

amqps://host/hub                                        write, any partition
amqps://host/hub/Partitions/N                           write to N
amqps://host/hub/ConsumerGroups/G/Partitions/N          read N in group G
$cbs, $management                                       requests and their answers
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from localazure.eventhubs.errors import NotFound

_ADDRESS = re.compile(
    r"(?:[a-z]+://[^/]*/|/)?(?P<hub>[^/]+)(?:/ConsumerGroups/(?P<group>[^/]+))?(?:/Partitions/(?P<partition>[^/]+))?/?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Address:
    """Hub, and as far as they are named, consumer group and partition."""

    hub: str
    group: str | None
    partition: str | None


def parse_address(text: str) -> Address:
    """Raises NotFound for an address that names no hub."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise NotFound(text, "expected amqps://host/hub[/ConsumerGroups/G]/Partitions/N")
    hub, group, partition = (unquote(part) if part else None for part in match.group("hub", "group", "partition"))
    return Address(hub or "", group, partition)
