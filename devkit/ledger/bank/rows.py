"""Rows of a bank's transaction file, checked field by field.

The format is CSV in UTF-8 with the columns date, account, n, transaction, kind, amount, balance (others are ignored):
one row per transaction; `n` counts an account's rows from 1; `amount` and `balance` are in minor units; `kind` is
credit or debit; `balance` is what the bank recorded after the transaction.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, TypeVar

__all__ = ["BankFileError", "Row", "count", "read"]

T = TypeVar("T")

COLUMNS = ("date", "account", "n", "transaction", "kind", "amount", "balance")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_WHOLE = re.compile(r"-?[0-9]{1,16}")


class BankFileError(Exception):
    """The file is not what was expected; the message names file, line, column and what was expected."""


@dataclass(frozen=True, slots=True)
class Row:
    line: int
    date: date
    account: str
    n: int
    transaction: str
    kind: Literal["credit", "debit"]
    amount: int
    balance: int


def count(path: Path) -> int:
    """The number of rows, all of them checked: a bad one shows before the first is sent.

    Raises:
        BankFileError: the first row that is not as expected.
    """
    return sum(1 for _ in read(path))


def read(path: Path) -> Iterator[Row]:
    """The rows in the file's order, in constant memory. Raises BankFileError at the first bad one."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _rows(path, file)
    except OSError as error:
        raise BankFileError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BankFileError(f"{path}: expected text in UTF-8, got {error.object[error.start]:#04x}") from error


def _rows(path: Path, file: Iterable[str]) -> Iterator[Row]:
    line = 1
    reader = csv.reader(file, strict=True)
    try:
        header = next(reader, [])
        places = _places(path, header)
        for fields in reader:
            line = reader.line_num
            yield _row(_Fields(path, line, fields, places, len(header)))
    except csv.Error as error:
        raise BankFileError(f"{path}:{max(line, reader.line_num)}: expected a row of CSV: {error}") from error


def _places(path: Path, header: list[str]) -> dict[str, int]:
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise BankFileError(f"{path}:1: expected the columns {', '.join(COLUMNS)}; {', '.join(missing)} is missing")
    return {name: header.index(name) for name in COLUMNS}


@dataclass(frozen=True, slots=True)
class _Fields:
    path: Path
    line: int
    values: list[str]
    places: dict[str, int]
    width: int

    def take(self, name: str, parse: Callable[[str], T], expected: str) -> T:
        place = self.places[name]
        text = self.values[place]
        try:
            return parse(text)
        except ValueError:
            where = f"{self.path}:{self.line}: column {place + 1} ({name})"
            raise BankFileError(f"{where}: expected {expected}, got {text[:40]!r}") from None


def _row(fields: _Fields) -> Row:
    if len(fields.values) != fields.width:
        where = f"{fields.path}:{fields.line}: column {min(len(fields.values), fields.width) + 1}"
        raise BankFileError(f"{where}: expected {fields.width} fields, got {len(fields.values)}")
    return Row(
        line=fields.line,
        date=fields.take("date", _date, "a date as YYYY-MM-DD"),
        account=fields.take("account", _identifier, "an account id: letters, digits, . _ -"),
        n=fields.take("n", _positive, "a whole number from 1"),
        transaction=fields.take("transaction", _identifier, "a transaction number: letters, digits, . _ -"),
        kind=fields.take("kind", _kind, "credit or debit"),
        amount=fields.take("amount", _positive, "minor units, a whole number from 1 to 10^15"),
        balance=fields.take("balance", _whole, "minor units, a whole number"),
    )


def _identifier(text: str) -> str:
    if not _ID.fullmatch(text):
        raise ValueError(text)
    return text


def _date(text: str) -> date:
    if len(text) != len("YYYY-MM-DD"):
        raise ValueError(text)
    return date.fromisoformat(text)


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _positive(text: str) -> int:
    number = _whole(text)
    if not 1 <= number <= 10**15:
        raise ValueError(text)
    return number


def _kind(text: str) -> Literal["credit", "debit"]:
    if text == "credit":
        return "credit"
    if text == "debit":
        return "debit"
    raise ValueError(text)
