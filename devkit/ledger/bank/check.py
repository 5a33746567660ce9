"""`tidemark import --check`: does every statement entry carry the balance that the bank recorded?"""

import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from devkit.ledger.bank.api import BankApi
from devkit.ledger.bank.rows import Row, read

__all__ = ["CheckResult", "check_rows"]

_SHOWN = 10
_PAUSE_SECONDS = 0.2


@dataclass(slots=True)
class CheckResult:
    """`agree` of `rows` rows have the bank's balance; `differences` tells of the first that have not."""

    rows: int = 0
    agree: int = 0
    differences: list[str] = field(default_factory=list)


def check_rows(
    path: Path, api: BankApi, *, concurrency: int, wait_seconds: float, on_row: Callable[[], None] = lambda: None
) -> CheckResult:
    """Compare the whole file with the statements, waiting at most `wait_seconds` for views that lag behind.

    Raises:
        BankFileError, BankApiError: as they are.
    """
    accounts: defaultdict[str, list[Row]] = defaultdict(list)
    for row in read(path):
        accounts[row.account].append(row)
    deadline = time.monotonic() + wait_seconds

    def check(rows: list[Row]) -> list[str]:
        differences = _compare(path, rows, api)
        while differences and time.monotonic() < deadline:
            time.sleep(_PAUSE_SECONDS)
            differences = _compare(path, rows, api)
        for _ in rows:
            on_row()
        return differences

    result = CheckResult(rows=sum(map(len, accounts.values())))
    with ThreadPoolExecutor(concurrency) as pool:
        differing = [line for lines in pool.map(check, accounts.values()) for line in lines]
    result.agree = result.rows - len(differing)
    result.differences = differing[:_SHOWN]
    return result


def _compare(path: Path, rows: list[Row], api: BankApi) -> list[str]:
    balances = {entry["reference"]: entry["balance"] for entry in api.statement(rows[0].account)}
    return [_difference(path, row, balances) for row in rows if balances.get(row.transaction) != row.balance]


def _difference(path: Path, row: Row, balances: dict[str, int]) -> str:
    where = f"{path}:{row.line}: account {row.account}, transaction {row.transaction}"
    if row.transaction not in balances:
        return f"{where}: not in the statement"
    return f"{where}: the bank recorded {row.balance}, the statement says {balances[row.transaction]}"
