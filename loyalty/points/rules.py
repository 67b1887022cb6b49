"""The one definition of what a purchase earns, when a lot lapses and what a refund takes.

Pure: no database, no clock, no Flask. Points are whole numbers, money is whole minor units,
rates are exact ratios; nothing here ever touches a binary float.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from loyalty.days import (
    add_months,
    end_of_month,
    end_of_quarter,
    end_of_year,
    start_of_day,
)

Rounding = Literal["order", "line"]
RoundUp = Literal["none", "month", "quarter", "year"]


@dataclass(frozen=True)
class Earning:
    """How a basket earns: `points` per currency unit, or `points` per full `step` of money.

    `rounding` says where the one floor is taken: on the whole order or on each line.
    """

    points: Decimal
    step: Decimal | None = None
    rounding: Rounding = "order"

    def of(self, amount_minor: int, *, exponent: int) -> int:
        """Whole points for an amount in minor units; nothing for nothing or less."""
        if amount_minor <= 0:
            return 0
        num, den = self.points.as_integer_ratio()
        if self.step is None:
            return int(amount_minor * num // (den * 10**exponent))
        step_num, step_den = self.step.as_integer_ratio()
        return int(amount_minor * step_den // (step_num * 10**exponent) * num // den)


@dataclass(frozen=True)
class Basket:
    """What a basket earns in all, and what each of its lines earned of it."""

    points: int
    by_line: tuple[int, ...]


def earn(lines_minor: Sequence[int], earning: Earning, *, exponent: int = 2) -> Basket:
    """Points of a basket whose line amounts are in minor units of `exponent` decimals.

    Floor per order: the total is floored once and spread by largest remainder. Floor per
    line: each line is floored alone. A line of nothing or less earns nothing and, per order,
    lowers the total (a discount line).
    """
    if earning.rounding == "line":
        by_line = tuple(earning.of(amount, exponent=exponent) for amount in lines_minor)
        return Basket(sum(by_line), by_line)
    points = earning.of(sum(lines_minor), exponent=exponent)
    return Basket(points, spread(points, lines_minor))


def spread(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Split `total` by weight with the largest remainder; ties go to the first line.

    Weights of nothing or less get nothing. The parts always add up to `total`, unless no
    weight is positive, when there is nobody to give to.
    """
    whole = sum(w for w in weights if w > 0)
    if total <= 0 or whole <= 0:
        return (0,) * len(weights)
    shares = [total * w // whole if w > 0 else 0 for w in weights]
    order = sorted(
        (i for i, w in enumerate(weights) if w > 0),
        key=lambda i: (-(total * weights[i] % whole), i),
    )
    for i in order[: total - sum(shares)]:
        shares[i] += 1
    return tuple(shares)


@dataclass(frozen=True)
class Validity:
    """The fixed limit of a lot: never (`months` None) or N months, rounded up to a period's end."""

    months: int | None
    round_up: RoundUp = "none"


@dataclass(frozen=True)
class Lapse:
    """The last valid day of a lot (to its end) and the instant it lapses, in UTC."""

    last_day: date
    at: datetime


_ENDS = {"month": end_of_month, "quarter": end_of_quarter, "year": end_of_year}


def lapse(awarded_on: date, validity: Validity, zone: ZoneInfo) -> Lapse | None:
    """When points awarded on a local day lapse; None when they never do."""
    if validity.months is None:
        return None
    last_day = add_months(awarded_on, validity.months)
    if validity.round_up != "none":
        last_day = _ENDS[validity.round_up](last_day)
    return Lapse(last_day, start_of_day(last_day + timedelta(days=1), zone))


def returned_share(*, returned: Decimal | int, of: Decimal | int) -> Fraction:
    """The share of a line that came back so far, between nothing and all of it."""
    whole = Fraction(of)
    if whole <= 0:
        return Fraction(1)
    return min(Fraction(1), max(Fraction(0), Fraction(returned) / whole))


def reverse_now(awarded: int, *, share: Fraction, already: int) -> int:
    """Points a refund takes back now from a line that earned `awarded`.

    `share` is the cumulative share returned including this refund; `already` is what earlier
    refunds of the line took. Reads what was recorded, never today's rules.
    """
    return max(0, awarded * share.numerator // share.denominator - already)


@dataclass(frozen=True)
class LotState:
    """What is left of a lot, and how much of it has been posted as lapsed."""

    id: UUID
    remaining: int
    expired: int = 0
    lapses_at: datetime | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True)
class Taking:
    """What a reversal takes: per lot, out of lapsed points of its own lot, and what is forgiven."""

    lots: tuple[tuple[UUID, int], ...]
    from_lapsed: int
    forgiven: int

    @property
    def points(self) -> int:
        """Points of the reversal entry, lapsed ones included."""
        return sum(points for _, points in self.lots) + self.from_lapsed


def first_expiring(lot: LotState) -> tuple[bool, float, float, UUID]:
    """Sort key of burns, reversals and expiries: earliest lapse, then older award, then id."""
    lapses = lot.lapses_at.timestamp() if lot.lapses_at else 0.0
    awarded = lot.occurred_at.timestamp() if lot.occurred_at else 0.0
    return (lot.lapses_at is None, lapses, awarded, lot.id)


def take(need: int, *, own: LotState, others: Iterable[LotState], now: datetime) -> Taking:
    """Which lots a reversal of `need` points takes, under the policy *not below zero*.

    The own award's lot first: what is left of it, then what lapsed from it (points that
    lapsed unspent count as given back, posted or not, so a late expiry job changes nothing).
    Then what is left of any other lot that has not lapsed by `now`, first-expiring first.
    The rest is forgiven.
    """
    taken: list[tuple[UUID, int]] = []
    from_own = min(need, own.remaining)
    if from_own:
        taken.append((own.id, from_own))
    left = need - from_own
    from_lapsed = min(left, own.expired)
    left -= from_lapsed
    for lot in sorted(others, key=first_expiring):
        if not left:
            break
        alive = lot.lapses_at is None or lot.lapses_at > now
        part = min(left, lot.remaining) if alive and lot.id != own.id else 0
        if part:
            taken.append((lot.id, part))
            left -= part
    return Taking(tuple(taken), from_lapsed, left)
