"""The rows of a bank's file: what is taken, and how a bad one is told."""

from datetime import date
from pathlib import Path

import pytest

from devkit.ledger.bank.rows import BankFileError, Row, count, read

HEADER = "date,account,n,transaction,kind,amount,balance,operation,purpose"
GOOD = "1993-01-01,576,1,171812,credit,90000,90000,cash deposit,"


def write(folder: Path, *lines: str) -> Path:
    path = folder / "bank.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_row_is_read_with_its_line_and_typed_fields(tmp_path: Path) -> None:
    rows = list(read(write(tmp_path, HEADER, GOOD)))
    assert rows == [Row(2, date(1993, 1, 1), "576", 1, "171812", "credit", 90000, 90000)]


def test_columns_may_come_in_another_order_and_others_are_ignored(tmp_path: Path) -> None:
    path = write(tmp_path, "balance,amount,kind,note,transaction,n,account,date", "5,5,credit,hello,t-1,1,a,2024-02-29")
    assert list(read(path)) == [Row(2, date(2024, 2, 29), "a", 1, "t-1", "credit", 5, 5)]


@pytest.mark.parametrize(
    ("bad", "column", "expected"),
    [
        ("1993-13-01,576,1,1,credit,1,1,,", "column 1 (date)", "a date as YYYY-MM-DD, got '1993-13-01'"),
        ("19930101,576,1,1,credit,1,1,,", "column 1 (date)", "a date as YYYY-MM-DD"),
        ("1993-01-01,a/b,1,1,credit,1,1,,", "column 2 (account)", "an account id"),
        ("1993-01-01,576,0,1,credit,1,1,,", "column 3 (n)", "a whole number from 1"),
        ("1993-01-01,576,1,,credit,1,1,,", "column 4 (transaction)", "a transaction number"),
        ("1993-01-01,576,1,1,Credit,1,1,,", "column 5 (kind)", "credit or debit, got 'Credit'"),
        ("1993-01-01,576,1,1,credit,12.50,1,,", "column 6 (amount)", "a whole number from 1 to 10^15, got '12.50'"),
        ("1993-01-01,576,1,1,credit,0,1,,", "column 6 (amount)", "a whole number from 1 to 10^15"),
        ("1993-01-01,576,1,1,credit,1000000000000001,1,,", "column 6 (amount)", "from 1 to 10^15"),
        ("1993-01-01,576,1,1,credit,1,x,,", "column 7 (balance)", "minor units, a whole number, got 'x'"),
        ("1993-01-01,576,1,1,credit,1", "column 7", "expected 9 fields, got 6"),
        ("1993-01-01,576,1,1,credit,1,1,,,extra", "column 10", "expected 9 fields, got 10"),
        ('1993-01-01,"576"x,1,1,credit,1,1,,', ":3", "a row of CSV"),
    ],
)
def test_a_bad_row_names_file_line_column_and_what_was_expected(
    tmp_path: Path, bad: str, column: str, expected: str
) -> None:
    path = write(tmp_path, HEADER, GOOD, bad)
    with pytest.raises(BankFileError) as raised:
        count(path)
    message = str(raised.value)
    assert message.startswith(f"{path}:3")
    assert column in message
    assert expected in message


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(BankFileError, match=r":1: expected the columns .*; kind, balance is missing"):
        count(write(tmp_path, "date,account,n,transaction,amount", "x"))


def test_an_empty_file_is_told_as_missing_columns(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.touch()
    with pytest.raises(BankFileError, match="expected the columns"):
        count(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BankFileError, match=r"none\.csv: No such file"):
        count(tmp_path / "none.csv")


def test_text_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes(HEADER.encode() + b"\n1993-01-01,576,1,1,credit,1,1,v\xfdb\xecr,\n")
    with pytest.raises(BankFileError, match="expected text in UTF-8, got 0xfd"):
        count(path)
