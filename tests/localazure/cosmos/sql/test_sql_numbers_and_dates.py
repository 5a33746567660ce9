"""Functions of numbers, dates and times: one line per fact of the reference pages."""

import math
import re
import time

import pytest

from localazure.cosmos.sql import UNDEFINED
from tests.localazure.cosmos.sql.answers import answers, value

U = UNDEFINED

MATHS = [
    ("ABS(-3)", 3),
    ("CEILING(1.2)", 2),
    ("FLOOR(-1.2)", -2),
    ("ROUND(2.5)", 3),
    ("ROUND(-2.5)", -3),
    ("ROUND(2.4)", 2),
    ("ROUND(1.255, 1)", 1.3),
    ("TRUNC(-2.7)", -2),
    ("SIGN(-3)", -1),
    ("SIGN(0)", 0),
    ("SQRT(9)", 3),
    ("SQRT(-1)", U),
    ("SQUARE(3)", 9),
    ("POWER(2, 10)", 1024),
    ("POWER(-8, 0.5)", U),
    ("POWER(10, 400)", U),
    ("EXP(0)", 1),
    ("LOG(1)", 0),
    ("LOG(8, 2)", 3),
    ("LOG(0)", U),
    ("LOG10(100)", 2),
    ("PI()", math.pi),
    ("SIN(0)", 0),
    ("COS(0)", 1),
    ("TAN(0)", 0),
    ("COT(0)", U),
    ("ASIN(2)", U),
    ("ACOS(1)", 0),
    ("ATAN(0)", 0),
    ("ATN2(0, 1)", 0),
    ("DEGREES(PI())", 180),
    ("RADIANS(180)", math.pi),
    ("NumberBin(37, 10)", 30),
    ("NumberBin(-3, 10)", -10),
    ("NumberBin(3, 0)", U),
    ("ABS('1')", U),
    ("IntAdd(20, 10)", 30),
    ("IntSub(20, 10)", 10),
    ("IntMul(20, 10)", 200),
    ("IntDiv(-7, 2)", -3),
    ("IntDiv(1, 0)", U),
    ("IntMod(-7, 2)", -1),
    ("IntAdd(1.5, 1)", U),
    ("IntAdd(9223372036854774784, 9223372036854774784)", -2048),
    ("IntBitAnd(15, 25)", 9),
    ("IntBitOr(56, 100)", 124),
    ("IntBitXor(56, 100)", 92),
    ("IntBitNot(65)", -66),
    ("IntBitLeftShift(16, 4)", 256),
    ("IntBitRightShift(16, 4)", 1),
]

DATES = [
    ("DateTimeAdd('mm', 1, '2020-01-31T12:00:00.1234567Z')", "2020-02-29T12:00:00.1234567Z"),
    ("DateTimeAdd('yy', -1, '2020-02-29')", "2019-02-28T00:00:00.0000000Z"),
    ("DateTimeAdd('hh', 25, '2020-07-09T23:20:13')", "2020-07-11T00:20:13.0000000Z"),
    ("DateTimeAdd('ns', 100, '2020-07-09T23:20:13Z')", "2020-07-09T23:20:13.0000001Z"),
    ("DateTimeAdd('yy', 9000, '2020-07-09T23:20:13Z')", U),
    ("DateTimeAdd('week', 1, '2020-07-09T23:20:13Z')", U),
    ("DateTimeAdd('dd', 1.5, '2020-07-09T23:20:13Z')", U),
    ("DateTimeAdd('dd', 1, '2020-02-30')", U),
    ("DateTimeAdd('dd', 1, '2020-07-09T23:20:13+02:00')", U),
    ("DateTimeDiff('yyyy', '2019-02-04T16:00:00.0000000', '2018-03-05T05:00:00.0000000')", -1),
    ("DateTimeDiff('mm', '2019-02-04T16:00:00.0000000', '2018-03-05T05:00:00.0000000')", -11),
    ("DateTimeDiff('dd', '2019-02-04T16:00:00.0000000', '2018-03-05T05:00:00.0000000')", -336),
    ("DateTimeDiff('hh', '2019-02-04T16:00:00.0000000', '2018-03-05T05:00:00.0000000')", -8075),
    ("DateTimeDiff('ss', '2019-02-04T16:00:00.0000000', '2018-03-05T05:00:00.0000000')", -29070000),
    ("DateTimeDiff('hh', '2020-01-01T00:59:59Z', '2020-01-01T01:00:00Z')", 1),
    ("DateTimePart('yyyy', '2016-05-29T08:30:00.1301617')", 2016),
    ("DateTimePart('mm', '2016-05-29T08:30:00.1301617')", 5),
    ("DateTimePart('dd', '2016-05-29T08:30:00.1301617')", 29),
    ("DateTimePart('hh', '2016-05-29T08:30:00.1301617')", 8),
    ("DateTimePart('mi', '2016-05-29T08:30:00.1301617')", 30),
    ("DateTimePart('ss', '2016-05-29T08:30:05.1301617')", 5),
    ("DateTimePart('ms', '2016-05-29T08:30:00.1301617')", 130),
    ("DateTimePart('mcs', '2016-05-29T08:30:00.1301617')", 130161),
    ("DateTimePart('ns', '2016-05-29T08:30:00.1301617')", 130161700),
    ("DateTimeBin('2021-01-08T18:35:00.0000000', 'dd')", "2021-01-08T00:00:00.0000000Z"),
    ("DateTimeBin('2021-01-08T18:35:00.0000000', 'hh', 5)", "2021-01-08T15:00:00.0000000Z"),
    ("DateTimeBin('2021-01-08T18:35:00.0000000', 'dd', 7)", "2021-01-07T00:00:00.0000000Z"),
    ("DateTimeBin('2021-01-08T18:35:00', 'dd', 7, '1601-01-01T00:00:00')", "2021-01-04T00:00:00.0000000Z"),
    ("DateTimeBin('2021-05-08T18:35:00Z', 'mm', 3)", "2021-04-01T00:00:00.0000000Z"),
    ("DateTimeBin('2021-05-08T18:35:00Z', 'mm', 0)", U),
    ("DateTimeFromParts(2017, 4, 20, 13, 15, 20, 3456789)", "2017-04-20T13:15:20.3456789Z"),
    ("DateTimeFromParts(2017, 4, 20)", "2017-04-20T00:00:00.0000000Z"),
    ("DateTimeFromParts(2017, 13, 20)", U),
    ("DateTimeFromParts(2017, 1, 2, 24)", U),
    ("DateTimeToTicks('1970-01-01T00:00:01Z')", 10_000_000),
    ("DateTimeToTimestamp('2020-11-21T18:28:53.549Z')", 1605983333549),
    ("DateTimeToTimestamp('yesterday')", U),
    ("TicksToDateTime(16059833335490000)", "2020-11-21T18:28:53.5490000Z"),
    ("TimestampToDateTime(1605983333549)", "2020-11-21T18:28:53.5490000Z"),
    ("TimestampToDateTime(1.5)", U),
    ("TimestampToDateTime(1e18)", U),
]


@pytest.mark.parametrize(("expression", "expected"), [*MATHS, *DATES])
def test_functions_of_numbers_and_dates(expression: str, expected: object) -> None:
    found = value(expression)
    assert found == expected
    assert type(found) is type(expected)


def test_the_clock_functions_agree_with_the_clock() -> None:
    before = time.time_ns() // 1_000_000
    shown, stamp, ticks = answers(
        "SELECT VALUE [GetCurrentDateTime(), GetCurrentTimestamp(), GetCurrentTicksStatic()]"
    )[0]
    assert before <= stamp <= time.time_ns() // 1_000_000
    assert before * 10_000 <= ticks <= time.time_ns() // 100
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", shown)
    assert abs(value(f"DateTimeToTimestamp('{shown}')") - stamp) < 1000


def test_rand_is_at_least_zero_and_below_one() -> None:
    assert all(0 <= value("RAND()") < 1 for _ in range(50))
