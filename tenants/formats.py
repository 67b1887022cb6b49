"""How figures and dates are said: money, points, numbers, days and moments.

Numbers follow the tenant's locale when the reader shares its language, else the reader's own.
Dates follow the tenant's zone. The functions ending in ``_text`` are pure.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel import dates as babel_dates
from babel import numbers as babel_numbers
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from tenants.info import tenant_info
from tenants.scope import in_scope

if TYPE_CHECKING:
    from flask import Flask

Number = int | float | Decimal
NBSP = "\u00a0"


# ---------------------------------------------------------------- pure


@lru_cache(maxsize=8192)
def money_text(minor: int, *, currency: str, locale: Locale) -> str:
    """Minor units of `currency` as people write them; the number of decimals is the currency's own."""
    digits = babel_numbers.get_currency_precision(currency)
    amount = Decimal(minor).scaleb(-digits)
    return babel_numbers.format_currency(amount, currency, locale=locale).replace(" ", NBSP)


@lru_cache(maxsize=8192)
def day_text(value: date, *, today: date, locale: Locale) -> str:
    """A day with its month in words; the year is said when it is not the year of `today`."""
    if value.year != today.year:
        return babel_dates.format_date(value, format="long", locale=locale)
    return babel_dates.format_skeleton("MMMMd", value, locale=locale)


def relative_day(value: date, *, today: date) -> str | None:
    """The word for a day next to `today`, or None."""
    words = {0: _("today"), -1: _("yesterday"), 1: _("tomorrow")}
    return words.get((value - today).days)


def local_day_in(instant: datetime, zone: str) -> date:
    """The calendar day of an aware instant in an IANA zone."""
    return instant.astimezone(ZoneInfo(zone)).date()


def start_of_day_in(day: date, zone: str) -> datetime:
    """The first instant of a day in a zone, in UTC; also right where midnight does not exist."""
    first = datetime.combine(day, time(0), tzinfo=ZoneInfo(zone)).astimezone(UTC)
    # Where the clock jumps over midnight, the naive answer still lies in the day before.
    while first.astimezone(ZoneInfo(zone)).date() < day:
        first += timedelta(minutes=15)
    return first


# ---------------------------------------------------------------- where we are


def current_zone() -> str:
    """The IANA zone dates are shown in: the tenant's, outside a tenant UTC."""
    return tenant_info().zone if in_scope() else "UTC"


def current_currency() -> str:
    """The tenant's currency as an ISO 4217 code; outside a tenant USD."""
    return tenant_info().currency if in_scope() else "USD"


def number_locale() -> Locale:
    """The locale for figures and dates: the tenant's if the reader speaks its language, else the reader's."""
    reader = get_locale() or Locale("en")
    return _number_locale(tenant_info().locale, str(reader)) if in_scope() else reader


@lru_cache(maxsize=512)
def _number_locale(home_name: str, reader_name: str) -> Locale:
    reader = Locale.parse(reader_name)
    try:
        home = Locale.parse(home_name.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return reader
    same = home.language == reader.language and (home.script or "") == (reader.script or home.script or "")
    return home if same else reader


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def local_day(instant: datetime | None = None) -> date:
    """The calendar day of an instant (default: now) in the tenant's zone."""
    return local_day_in(instant or now(), current_zone())


def start_of_day(day: date) -> datetime:
    """The aware instant at which a day begins in the tenant's zone."""
    return start_of_day_in(day, current_zone())


# ---------------------------------------------------------------- filters


def money(minor: int | None, currency: str | None = None) -> str:
    """Minor units as money, in the tenant's currency unless another is named. None is a dash."""
    if minor is None:
        return "–"
    return money_text(minor, currency=currency or current_currency(), locale=number_locale())


def money_short(minor: int | None, currency: str | None = None) -> str:
    """Money rounded to whole units, for tiles and narrow places; the exact amount stands one tap away."""
    if minor is None:
        return "–"
    unit = currency or current_currency()
    whole = round(Decimal(minor).scaleb(-babel_numbers.get_currency_precision(unit)))
    text = babel_numbers.format_currency(
        whole, unit, locale=number_locale(), currency_digits=False, format=_whole_pattern(number_locale())
    )
    return text.replace(" ", NBSP)


def _whole_pattern(locale: Locale) -> str:
    """The locale's currency pattern without its decimals."""
    return re.sub(r"[.,]0+", "", locale.currency_formats["standard"].pattern)


def price(value: Decimal | None, currency: str | None = None) -> str:
    """A price per unit in whole currency units, such as 4.15; it may have more decimals than the currency."""
    if value is None:
        return "–"
    unit = currency or current_currency()
    text = babel_numbers.format_currency(value, unit, locale=number_locale(), decimal_quantization=False)
    return text.replace(" ", NBSP)


def number(value: Number | None) -> str:
    """A number with the locale's separators. None is a dash."""
    if value is None:
        return "–"
    return _number_text(value, number_locale())


@lru_cache(maxsize=8192)
def _number_text(value: Number, locale: Locale) -> str:
    return babel_numbers.format_decimal(value, locale=locale).replace(" ", NBSP)


def points(value: int | None) -> str:
    """Points: whole, with separators, the minus sign a real one."""
    return number(value).replace("-", "\u2212")


def percent(value: Number | None) -> str:
    """A fraction as per cent with at most one decimal: 0.125 is 12.5 %."""
    if value is None:
        return "–"
    return babel_numbers.format_percent(value, format="#,##0.#%", locale=number_locale())


def _as_day(value: date | datetime) -> date:
    return local_day(value) if isinstance(value, datetime) else value


def day(value: date | datetime | None) -> str:
    """A day as people say it: today, yesterday, 12 March, 12 March 2024. None is a dash."""
    if value is None:
        return "–"
    that, today = _as_day(value), local_day()
    return relative_day(that, today=today) or day_text(that, today=today, locale=number_locale())


def moment(value: datetime | None) -> str:
    """Day and time in the tenant's zone: "today, 14:05". None is a dash."""
    if value is None:
        return "–"
    clock = babel_dates.format_time(value, format="short", tzinfo=ZoneInfo(current_zone()), locale=number_locale())
    return _("%(day)s, %(time)s", day=day(value), time=clock.replace("\u202f", NBSP))


def exact(value: datetime) -> str:
    """The instant to the second with its zone, for the title of a time."""
    here = value.astimezone(ZoneInfo(current_zone()))
    return f"{here:%Y-%m-%d %H:%M:%S} {here.tzname()}"


def ago(value: datetime | None) -> str:
    """How long ago or until when, roughly: "3 hours ago", "in 2 days". None is a dash."""
    if value is None:
        return "–"
    locale = number_locale()
    return babel_dates.format_timedelta(value - now(), add_direction=True, locale=locale)


def duration(seconds: float | None) -> str:
    """A rough length of time for estimates: "about 3 minutes"."""
    if seconds is None:
        return "–"
    if seconds < 50:
        whole = max(1, math.ceil(seconds / 5) * 5)
        return ngettext("about %(num)d second", "about %(num)d seconds", whole)
    if seconds < 50 * 60:
        return ngettext("about %(num)d minute", "about %(num)d minutes", max(1, round(seconds / 60)))
    return ngettext("about %(num)d hour", "about %(num)d hours", max(1, round(seconds / 3600)))


def filesize(size: int | None) -> str:
    """Bytes as kB or MB (powers of ten)."""
    if size is None:
        return "–"
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{number(round(size / factor, 1))}{NBSP}{unit}"
    return f"{number(size)}{NBSP}B"


def grouped(digits: str) -> str:
    """A card number in groups of four."""
    plain = "".join(digits.split())
    return NBSP.join(plain[at : at + 4] for at in range(0, len(plain), 4))


def country_name(code: str | None) -> str:
    """A country by its ISO 3166-1 code in the reader's language; an unknown code is said as it is."""
    return (get_locale() or Locale("en")).territories.get(code or "", code or "")


def initials(name: str | None) -> str:
    """One or two letters that stand for a person: family name in Chinese, first and last elsewhere."""
    words = (name or "").split()
    if not words:
        return "·"
    if "\u4e00" <= words[0][0] <= "\u9fff":
        return words[0][0]
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else "")
    return letters.upper()


FILTERS = {
    f.__name__: f
    for f in (
        money, money_short, price, number, points, percent, day, moment, exact, ago, duration, filesize, grouped, initials, country_name,
    )
}  # fmt: skip


def init_app(app: Flask) -> None:
    """Give templates the filters, and `local_day` and `start_of_day` as functions."""
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(local_day=local_day, start_of_day=start_of_day)
