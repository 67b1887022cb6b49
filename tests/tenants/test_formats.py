"""Figures and dates as people say them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from babel import Locale
from flask import Flask
from flask_babel import force_locale
from hypothesis import given
from hypothesis import strategies as st

from tenants import formats
from tenants.info import TenantInfo
from tenants.scope import tenant_scope

BRITISH, CHINESE = Locale.parse("en_GB"), Locale.parse("zh_Hans_CN")


@pytest.mark.parametrize(
    ("minor", "currency", "said"),
    [
        (123456, "GBP", "£1,234.56"),
        (5, "GBP", "£0.05"),
        (-500, "GBP", "-£5.00"),
        (1234, "JPY", "JP¥1,234"),
        (1500, "KWD", "KWD1.500"),
    ],
)
def test_money_has_the_currencys_own_decimals(minor: int, currency: str, said: str) -> None:
    assert formats.money_text(minor, currency=currency, locale=BRITISH).replace(formats.NBSP, "") == said


def test_money_never_wraps() -> None:
    assert " " not in formats.money_text(123456789, currency="EUR", locale=Locale.parse("fr_FR"))


def test_days_say_their_year_only_when_it_is_another_one() -> None:
    today = date(2026, 11, 22)
    assert formats.day_text(date(2026, 3, 12), today=today, locale=BRITISH) == "12 March"
    assert formats.day_text(date(2025, 3, 12), today=today, locale=BRITISH) == "12 March 2025"
    assert formats.day_text(date(2026, 3, 12), today=today, locale=CHINESE) == "3月12日"
    assert formats.day_text(date(2025, 3, 12), today=today, locale=CHINESE) == "2025年3月12日"


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        ("Europe/London", date(2026, 3, 29), datetime(2026, 3, 29, 0, tzinfo=UTC)),
        ("Europe/London", date(2026, 3, 30), datetime(2026, 3, 29, 23, tzinfo=UTC)),
        ("Asia/Shanghai", date(2026, 1, 1), datetime(2025, 12, 31, 16, tzinfo=UTC)),
        ("America/Santiago", date(2026, 9, 6), datetime(2026, 9, 6, 4, tzinfo=UTC)),  # midnight does not exist
        ("America/Havana", date(2026, 11, 1), datetime(2026, 11, 1, 4, tzinfo=UTC)),  # midnight comes twice
    ],
)
def test_a_day_starts_where_its_zone_says(zone: str, day: date, start: datetime) -> None:
    assert formats.start_of_day_in(day, zone) == start


@given(
    st.dates(date(1990, 1, 1), date(2035, 1, 1)),
    st.sampled_from(["Europe/London", "Asia/Shanghai", "America/Santiago", "Africa/Cairo", "Australia/Lord_Howe"]),
)
def test_the_start_is_the_first_instant_of_its_day(day: date, zone: str) -> None:
    start = formats.start_of_day_in(day, zone)
    assert formats.local_day_in(start, zone) == day
    assert formats.local_day_in(start - timedelta(microseconds=1), zone) < day


def test_figures_follow_the_tenant_when_the_reader_shares_its_language(
    context: Flask, make_tenant: Callable[..., TenantInfo]
) -> None:
    tenant = make_tenant(currency="CNY", zone="Asia/Shanghai", locale="zh_Hans_CN", country="CN")
    with tenant_scope(tenant.id):
        with force_locale("zh_Hans"):
            assert str(formats.number_locale()) == "zh_Hans_CN"
            assert formats.money(123456) == "¥1,234.56"
        with force_locale("en"):
            assert str(formats.number_locale()) == "en"
            assert formats.money(123456) == "CN¥1,234.56"
        with force_locale("zh_Hant"):
            assert str(formats.number_locale()) == "zh_Hant"
        noon = datetime(2026, 3, 12, 20, 5, tzinfo=UTC)
        assert formats.local_day(noon) == date(2026, 3, 13)


def test_near_days_have_names(scope: object) -> None:
    now = formats.now()
    assert formats.day(now) == "today"
    assert formats.day(formats.local_day() - timedelta(days=1)) == "yesterday"
    assert formats.day(formats.local_day() + timedelta(days=1)) == "tomorrow"
    assert formats.moment(now).startswith("today, ")
    assert formats.ago(now - timedelta(hours=3)) == "3 hours ago"


def test_nothing_is_a_dash(scope: object) -> None:
    for name in ("money", "number", "points", "percent", "day", "moment", "ago", "duration", "filesize"):
        assert formats.FILTERS[name](None) == "–"


def test_short_money_and_prices(scope: object) -> None:
    assert formats.money_short(298_455) == "£2,985"
    assert formats.money_short(-50) == "£0" or formats.money_short(-50) == "-£0"
    assert formats.money_short(129_900, "JPY").endswith("129,900")
    assert formats.price(Decimal("4.155")) == "£4.155"
    assert formats.money_short(None) == formats.price(None) == "–"


def test_other_figures(scope: object) -> None:
    assert formats.points(-1240) == "−1,240"
    assert formats.percent(0.125) == "12.5%"
    assert formats.duration(3) == "about 5 seconds"
    assert formats.duration(95) == "about 2 minutes"
    assert formats.duration(7300) == "about 2 hours"
    assert formats.filesize(2_400_000).replace(formats.NBSP, " ") == "2.4 MB"
    assert formats.grouped("5001234512345678").split(formats.NBSP) == ["5001", "2345", "1234", "5678"]


@pytest.mark.parametrize(
    ("name", "letters"), [("Ada Lovelace", "AL"), ("王小明", "王"), ("ada", "A"), ("", "·"), (None, "·")]
)
def test_initials(name: str | None, letters: str) -> None:
    assert formats.initials(name) == letters
