"""The figures of one day beside a week and a year before. Each statement reads three days, not the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from config.extensions import db
from loyalty.members.models import Member
from loyalty.points.models import Lot, PointAccount, Programme
from loyalty.purchases.models import Purchase
from loyalty.tiers.models import TierChange
from tenants.formats import start_of_day
from tenants.start.board import WEEK, YEAR, Figure

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Sales:
    """Sales of one day in minor units, and how many purchases there were."""

    members: int
    others: int
    purchases: int


def _instants(day: date, column: InstrumentedAttribute[object]) -> ColumnElement[bool]:
    return and_(column >= start_of_day(day), column < start_of_day(day + DAY))


def _three(day: date, column: InstrumentedAttribute[object]) -> ColumnElement[bool]:
    return or_(*(_instants(one, column) for one in (day, day - WEEK, day - YEAR)))


def _figure(found: Mapping[date, int], day: date) -> Figure:
    return Figure(found.get(day, 0), found.get(day - WEEK, 0), found.get(day - YEAR, 0))


def sales(day: date) -> tuple[Figure, Figure, Figure]:
    """Sales by members, sales by others (minor units) and points given for them, in one statement."""
    rows = db.session.execute(
        select(
            Purchase.day,
            func.sum(case((Purchase.member_id.is_not(None), Purchase.total_minor), else_=0)).label("members"),
            func.sum(case((Purchase.member_id.is_(None), Purchase.total_minor), else_=0)).label("others"),
            func.coalesce(func.sum(Lot.points), 0).label("points"),
        )
        .outerjoin(Lot, Lot.purchase_id == Purchase.id)
        .where(_three(day, Purchase.occurred_at), Purchase.withdrawn_at.is_(None))
        .group_by(Purchase.day)
    ).all()
    members = {row.day: int(row.members) for row in rows}
    others = {row.day: int(row.others) for row in rows}
    points = {row.day: int(row.points) for row in rows}
    return _figure(members, day), _figure(others, day), _figure(points, day)


def sales_by_day(last: date, *, days: int) -> Sequence[tuple[date, Sales]]:
    """Sales of the `days` up to `last`, without gaps, the oldest first."""
    first = last - timedelta(days=days - 1)
    rows = db.session.execute(
        select(
            Purchase.day,
            func.sum(case((Purchase.member_id.is_not(None), Purchase.total_minor), else_=0)).label("members"),
            func.sum(case((Purchase.member_id.is_(None), Purchase.total_minor), else_=0)).label("others"),
            func.count().label("purchases"),
        )
        .where(
            Purchase.occurred_at >= start_of_day(first),
            Purchase.occurred_at < start_of_day(last + DAY),
            Purchase.withdrawn_at.is_(None),
        )
        .group_by(Purchase.day)
    )
    found = {row.day: Sales(int(row.members), int(row.others), row.purchases) for row in rows}
    return [(one, found.get(one, Sales(0, 0, 0))) for one in (first + DAY * n for n in range(days))]


def new_members(day: date) -> Figure:
    """Who joined that day."""
    local = func.sum(case((_instants(day, Member.joined_at), 1), else_=0))
    week = func.sum(case((_instants(day - WEEK, Member.joined_at), 1), else_=0))
    year = func.sum(case((_instants(day - YEAR, Member.joined_at), 1), else_=0))
    row = db.session.execute(
        select(local, week, year).where(_three(day, Member.joined_at), Member.status != "withdrawn")
    ).one()
    return Figure(*(int(value or 0) for value in row))


def tier_moves(day: date) -> tuple[Figure, Figure]:
    """How many went up and how many went down on that day."""
    days = (day, day - WEEK, day - YEAR)
    rows = db.session.execute(
        select(TierChange.on_day, (TierChange.to_rank > TierChange.from_rank).label("up"), func.count().label("n"))
        .where(TierChange.on_day.in_(days), TierChange.superseded_at.is_(None))
        .group_by(TierChange.on_day, (TierChange.to_rank > TierChange.from_rank))
    ).all()
    up = {row.on_day: row.n for row in rows if row.up}
    down = {row.on_day: row.n for row in rows if not row.up}
    return _figure(up, day), _figure(down, day)


@dataclass(frozen=True)
class Liability:
    """Points outstanding now, and what they cost at the programme's cost per point (minor units)."""

    points: int
    cost_minor: int
    members: int


def liability() -> Liability:
    """All points that members hold now."""
    row = db.session.execute(
        select(
            func.coalesce(func.sum(PointAccount.balance), 0).label("points"),
            func.count().filter(PointAccount.balance > 0).label("members"),
        )
    ).one()
    cost = db.session.scalar(select(Programme.cost_per_point)) or 0
    return Liability(int(row.points), int(row.points * cost), row.members)


@dataclass(frozen=True)
class Beginnings:
    """Whether there is anything yet."""

    programme: bool
    members: bool
    purchases: bool


def beginnings() -> Beginnings:
    """What a first-day tenant has done already, in one statement."""
    row = db.session.execute(
        select(
            select(Programme.rule_version).exists().label("programme"),
            select(Member.id).exists().label("members"),
            select(Purchase.id).exists().label("purchases"),
        )
    ).one()
    return Beginnings(row.programme, row.members, row.purchases)
