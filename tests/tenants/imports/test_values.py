"""Cells as people and tills write them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.imports.values import (
    clean_id,
    guess_date_order,
    guess_decimal_mark,
    moment_reader,
    parse_decimal,
    parse_flag,
    parse_moment,
    to_minor,
)


@pytest.mark.parametrize(
    ("text", "mark", "value"),
    [
        ("4.15", ".", "4.15"), ("1,234.50", ".", "1234.50"), ("1.234,5", ",", "1234.5"), ("12,5", ",", "12.5"),
        ("£12", ".", "12"), ("￥１２.５", ".", "12.5"), ("(3.50)", ".", "-3.50"), ("5-", ".", "-5"), ("-7", ".", "-7"),
        ("1 234,50 €", ",", "1234.50"), ("USD 3.00", ".", "3.00"), ("1'234.50", ".", "1234.50"), ("−2", ".", "-2"),
    ],
)  # fmt: skip
def test_decimals(text: str, mark: str, value: str) -> None:
    assert parse_decimal(text, mark) == Decimal(value)


@pytest.mark.parametrize("text", ["", "abc", "NaN", "Infinity", "1e5", "12,5", "--3", "1.2.3", "0x10", "٣x", "."])
def test_what_is_no_decimal(text: str) -> None:
    assert parse_decimal(text, ".") is None


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9))
def test_decimals_survive_printing(value: Decimal) -> None:
    assert parse_decimal(f"{value:,.2f}", ".") == value
    swapped = f"{value:,.2f}".translate(str.maketrans(",.", ".,"))
    assert parse_decimal(swapped, ",") == value


def test_decimal_marks_are_guessed() -> None:
    assert guess_decimal_mark(["1.234,50", "3,5"]) == (",", False)
    assert guess_decimal_mark(["1,234.50", "3.5"]) == (".", False)
    assert guess_decimal_mark(["1,234", "2,500"]) == (".", True)
    assert guess_decimal_mark(["3", "4"]) == (".", False)


@pytest.mark.parametrize(
    ("text", "order", "value"),
    [
        ("2011-10-06 16:20:00", "ymd", "2011-10-06T16:20:00"), ("2024年1月2日", "ymd", "2024-01-02T00:00:00"),
        ("2024/1/3 下午3:05", "ymd", "2024-01-03T15:05:00"), ("3/12/24", "dmy", "2024-12-03T00:00:00"),
        ("3/12/24", "mdy", "2024-03-12T00:00:00"), ("12 Dec 2011 5:03 pm", "dmy", "2011-12-12T17:03:00"),
        ("Dec 12, 2011", "mdy", "2011-12-12T00:00:00"), ("19970101", "compact", "1997-01-01T00:00:00"),
        ("45000.5", "serial", "2023-03-15T12:00:00"), ("31.12.2011 23:59", "dmy", "2011-12-31T23:59:00"),
        ("2011-10-06", "dmy", "2011-10-06T00:00:00"), ("12/31/2011 12:05 AM", "mdy", "2011-12-31T00:05:00"),
    ],
)  # fmt: skip
def test_dates(text: str, order: str, value: str) -> None:
    moment = parse_moment(text, order)
    assert moment is not None
    assert moment.at == datetime.fromisoformat(value)


@pytest.mark.parametrize("text", ["", "soon", "2011-13-01", "31/02/2011", "99999999", "2011-10-06 25:00"])
def test_what_is_no_date(text: str) -> None:
    assert all(parse_moment(text, order) is None for order in ("ymd", "dmy", "mdy", "compact"))


def test_date_orders_are_guessed_and_doubt_is_told() -> None:
    assert guess_date_order(["01/02/2024", "03/04/2024"])[:2] == ("dmy", ("mdy",))
    assert guess_date_order(["01/02/2024", "03/04/2024"], prefer="mdy")[:2] == ("mdy", ("dmy",))
    assert guess_date_order(["01/13/2024", "03/04/2024"])[:2] == ("mdy", ())
    assert guess_date_order(["2011-10-06 16:20:00"])[:2] == ("ymd", ())
    assert guess_date_order(["19970101"]).order == "compact"
    assert guess_date_order(["hello"]).share == 0


def test_a_named_offset_is_turned_into_local_time() -> None:
    read = moment_reader("ymd", ZoneInfo("Asia/Shanghai"))
    moment = read("2024-01-02T03:04:05Z")
    assert moment is not None and moment.at == datetime(2024, 1, 2, 11, 4, 5)


@given(st.dates(min_value=date(1970, 1, 1), max_value=date(2090, 1, 1)))
def test_any_day_in_any_writing(day: date) -> None:
    at = datetime.combine(day, datetime.min.time()) + timedelta(hours=13, minutes=5)
    for text, order in (
        (f"{at:%Y-%m-%d %H:%M}", "ymd"), (f"{at:%d/%m/%Y %H:%M}", "dmy"), (f"{at:%m/%d/%Y %I:%M %p}", "mdy"),
        (f"{at:%Y%m%d%H%M}", "compact"), (f"{at.year}年{at.month}月{at.day}日 {at:%H:%M}", "ymd"),
    ):  # fmt: skip
        moment = parse_moment(text, order)
        assert moment is not None and moment.at == at, text


def test_ids_flags_and_money() -> None:
    assert [clean_id(text) for text in (" 12923.0 ", "0012", "'0123", "８４２", "A  1", "1.05", "85123A")] == [
        "12923", "0012", "0123", "842", "A 1", "1.05", "85123A",
    ]  # fmt: skip
    assert [parse_flag(text) for text in ("yes", "Y", "是", "1", "no", "否", "", "perhaps")] == [
        True, True, True, True, False, False, False, None,
    ]  # fmt: skip
    assert to_minor(Decimal("1.005"), 2) == 101
    assert to_minor(Decimal("-1.005"), 2) == -101
    assert to_minor(Decimal(1234), 0) == 1234
