"""`tidemark import`: a bank's transaction file through the command path, and its balances against the statements."""

import queue
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from devkit.ledger.bank.api import BankApi, Refused
from devkit.ledger.bank.rows import Row, read

__all__ = ["ImportResult", "RowRefused", "import_rows"]

_QUEUED_PER_WORKER = 64
_Entry: TypeAlias = tuple[int, str]  # what a statement says of a row: signed amount, value date


class RowRefused(Exception):
    """The ledger refused a row; the message names the row's line and the reason."""


@dataclass(slots=True)
class ImportResult:
    """`new` rows took effect in this run; `known` ones had done so before. Likewise for `accounts` opened."""

    new: int = 0
    known: int = 0
    accounts: int = 0


def import_rows(
    path: Path, api: BankApi, *, asset: str, concurrency: int, on_row: Callable[[], None] = lambda: None
) -> ImportResult:
    """Send every row: accounts side by side, the rows of one account in order, each at most once in effect.

    A run that ends half-way is started again. Rows that are in are known by their idempotency keys; those that an
    account's statement shows already are not even sent.

    Raises:
        BankFileError, BankApiError, RowRefused: the first failure; rows read before it may or may not be in.
    """
    workers = [_Worker(path, api, asset, on_row) for _ in range(concurrency)]
    failed = threading.Event()
    threads = [threading.Thread(target=worker.run, args=(failed,), name="import") for worker in workers]
    for thread in threads:
        thread.start()
    try:
        for row in read(path):
            if not workers[zlib.crc32(row.account.encode()) % concurrency].put(row, failed):
                break
    except BaseException:
        failed.set()
        raise
    finally:
        for worker in workers:
            worker.end(failed)
        for thread in threads:
            thread.join()
    for worker in workers:
        if worker.error is not None:
            raise worker.error
    return ImportResult(
        new=sum(worker.result.new for worker in workers),
        known=sum(worker.result.known for worker in workers),
        accounts=sum(worker.result.accounts for worker in workers),
    )


class _Worker:
    """One thread and its queue. All rows of an account come to the same worker, so they stay in order."""

    def __init__(self, path: Path, api: BankApi, asset: str, on_row: Callable[[], None]) -> None:
        self._path = path
        self._api = api
        self._asset = asset
        self._on_row = on_row
        self._rows: queue.Queue[Row | None] = queue.Queue(_QUEUED_PER_WORKER)
        self._seen: dict[str, dict[str, _Entry]] = {}
        self.result = ImportResult()
        self.error: Exception | None = None

    def put(self, row: Row | None, failed: threading.Event) -> bool:
        """False when some worker has failed: no further row is wanted."""
        while not failed.is_set():
            try:
                self._rows.put(row, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def end(self, failed: threading.Event) -> None:
        self.put(None, failed)

    def run(self, failed: threading.Event) -> None:
        try:
            while not failed.is_set():
                try:
                    row = self._rows.get(timeout=0.1)
                except queue.Empty:
                    continue
                if row is None:
                    return
                self._send(row)
                self._on_row()
        except Exception as error:  # noqa: BLE001 - carried to the caller's thread, which raises it
            self.error = error
            failed.set()

    def _send(self, row: Row) -> None:
        if row.account not in self._seen:
            self._seen[row.account] = {} if self._open(row.account) else self._entries(row.account)
        if self._seen[row.account].get(row.transaction) == _entry(row):
            self.result.known += 1
            return
        path = f"/accounts/{row.account}/" + ("deposits" if row.kind == "credit" else "withdrawals")
        body = {"amount": row.amount, "reference": row.transaction, "effective_date": row.date.isoformat()}
        try:
            new = self._api.command(path, f"transaction-{row.transaction}", body)
        except Refused as refusal:
            where = f"{self._path}:{row.line}: transaction {row.transaction} of account {row.account}"
            raise RowRefused(f"{where} is refused: {refusal.code}: {refusal}") from refusal
        self.result.new += new
        self.result.known += not new

    def _open(self, account: str) -> bool:
        """Whether the account is new: then nothing of it can be in."""
        body = {"account_id": account, "asset": self._asset}
        try:
            new = self._api.command("/accounts", f"open-{account}", body)
        except Refused as refusal:
            # An account that was opened by other means takes the rows all the same.
            if refusal.code != "ACCOUNT_EXISTS":
                raise RowRefused(f"{self._path}: account {account} cannot be opened: {refusal}") from refusal
            return False
        self.result.accounts += new
        return new

    def _entries(self, account: str) -> dict[str, _Entry]:
        return {
            entry["reference"]: (entry["signed"], entry["effective_date"]) for entry in self._api.statement(account)
        }


def _entry(row: Row) -> _Entry:
    return (row.amount if row.kind == "credit" else -row.amount, row.date.isoformat())
