"""What the store charged, second by second."""

from collections import deque

from devkit.cosmos import RequestLog


def worst_second(log: RequestLog) -> float:
    """The request units of the dearest second, wherever it begins."""
    within: deque[tuple[float, float]] = deque()
    total = worst = 0.0
    for at, charge in sorted((entry.at, entry.charge) for entry in log):
        within.append((at, charge))
        total += charge
        while within[0][0] <= at - 1:
            total -= within.popleft()[1]
        worst = max(worst, total)
    return worst
