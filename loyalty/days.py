"""Calendar arithmetic in a tenant's zone: pure, shared by points and tiers."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


def day_of(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar day of an aware instant, as the tenant's wall clock shows it."""
    return instant.astimezone(zone).date()


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local day, in UTC.

    Where summer time skips midnight this is the instant of the jump; where midnight comes
    twice it is the first one.
    """
    return datetime.combine(day, time(), zone).astimezone(UTC)


def add_months(day: date, months: int) -> date:
    """The same day `months` later (or earlier), clamped to the end of a shorter month.

    PostgreSQL's `day + interval 'N months'` clamps in the same way; the tier step relies on it.
    """
    year, month0 = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month0 + 1, min(day.day, monthrange(year, month0 + 1)[1]))


def end_of_month(day: date) -> date:
    """The last day of the month of `day`."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def end_of_quarter(day: date) -> date:
    """The last day of the calendar quarter of `day`."""
    return end_of_month(day.replace(month=(day.month + 2) // 3 * 3, day=1))


def end_of_year(day: date) -> date:
    """31 December of the year of `day`."""
    return day.replace(month=12, day=31)
