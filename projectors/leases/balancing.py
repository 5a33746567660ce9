"""Which leases a worker should take, so that all workers come to hold about as many.

Nobody coordinates: each worker looks at the same leases and moves towards its share, one theft at a time.
"""

from collections import Counter
from collections.abc import Sequence

from projectors.leases.lease import Lease


def leases_to_take(leases: Sequence[Lease], me: str, now: float, *, alone: bool = False) -> list[Lease]:
    """The leases to take now.

    Free ones up to this worker's share; else one of a worker that holds at least two more. `alone` takes whatever is
    free, without regard to shares: for a visit that ends as soon as there is nothing to do.
    """
    free = [lease for lease in leases if lease.free(now)]
    if alone:
        return free
    holders = Counter(lease.owner for lease in leases if not lease.free(now))
    holders.setdefault(me, 0)
    share = -(-len(leases) // len(holders))
    missing = share - holders[me]
    if free and missing > 0:
        return free[:missing]
    richest, most = max(holders.items(), key=lambda item: item[1])
    if free or richest == me or most - holders[me] < 2:
        return []
    return [lease for lease in leases if lease.owner == richest][:1]
