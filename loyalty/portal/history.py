"""A member's purchases and awards with what became of them, in a fixed number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from config.extensions import db
from loyalty.points.models import Allocation, Entry, Lot, LotLine
from loyalty.purchases.models import Purchase, PurchaseLine, Refund, RefundLine
from tenants.errors import NotFound

AMOUNT_ONLY = "TILL"  # the article of a sale that was rung up by its amount alone


@dataclass(frozen=True)
class Return:
    """Part of a line that came back: when, how much money (minor units), how many points it took."""

    occurred_at: datetime
    quantity: Decimal | None
    amount_minor: int
    points_reversed: int
    points_forgiven: int


@dataclass(frozen=True)
class Line:
    """A line of a purchase with the points it earned and what came back of it."""

    id: UUID
    line_no: int
    sku: str
    description: str
    quantity: Decimal | None
    unit_price: Decimal | None
    amount_minor: int
    points: int
    returns: tuple[Return, ...]

    @property
    def title(self) -> str:
        """What was bought, as people call it; nothing for a sale that was rung up by its amount."""
        return self.description or ("" if self.sku == AMOUNT_ONLY else self.sku)


@dataclass(frozen=True)
class Bought:
    """A purchase as the faces show it. `earned` in points; `returned` in minor units."""

    id: UUID
    source: str
    external_id: str
    member_id: UUID | None
    occurred_at: datetime
    booked_at: datetime
    currency: str
    total_minor: int
    place: str | None
    title: str
    earned: int
    returned: int
    last_day: date | None
    rule_version: int | None
    withdrawn: bool
    lines: tuple[Line, ...] = ()
    kind: str = "purchase"


@dataclass(frozen=True)
class LooseReturn:
    """A return whose purchase is not known: kept, shown, and it took no points."""

    id: UUID
    occurred_at: datetime
    currency: str
    total_minor: int
    title: str
    kind: str = "refund"


@dataclass(frozen=True)
class Taken:
    """What one entry took from a lot, or gave back to it (positive)."""

    kind: str
    points: int
    occurred_at: datetime
    value_at: datetime


@dataclass(frozen=True)
class Award:
    """A lot with the purchase it came from and everything that was taken from it."""

    id: UUID
    points: int
    remaining: int
    occurred_at: datetime
    last_day: date | None
    lapsed: bool
    rule_version: int
    purchase_id: UUID | None
    total_minor: int | None
    currency: str | None
    place: str | None
    taken: tuple[Taken, ...] = field(default=())


def _purchases() -> Select[Any]:
    """Purchases with the lot they made. A purchase makes at most one."""
    columns: tuple[Any, ...] = (Purchase, Lot.points, Lot.last_day, Lot.rule_version)
    return select(*columns).outerjoin(Lot, Lot.purchase_id == Purchase.id)


def purchases(
    member_id: UUID, *, limit: int, before: datetime | None = None, with_lines: bool = False
) -> Sequence[Bought]:
    """A member's purchases, the newest first, those before an instant if one is given."""
    statement = _purchases().where(Purchase.member_id == member_id, Purchase.withdrawn_at.is_(None))
    if before is not None:
        statement = statement.where(Purchase.occurred_at < before)
    rows = db.session.execute(statement.order_by(Purchase.occurred_at.desc(), Purchase.id.desc()).limit(limit)).all()
    return _assemble(rows, with_lines=with_lines)


def purchase(purchase_id: UUID, *, member_id: UUID | None = None) -> Bought:
    """One purchase with its lines; with `member_id`, only if it is that member's. Raises NotFound."""
    statement = _purchases().where(Purchase.id == purchase_id)
    if member_id is not None:
        statement = statement.where(Purchase.member_id == member_id, Purchase.withdrawn_at.is_(None))
    rows = db.session.execute(statement).all()
    if not rows:
        raise NotFound
    return _assemble(rows, with_lines=True)[0]


def _assemble(rows: Sequence[Any], *, with_lines: bool) -> list[Bought]:
    lines = _lines([row[0].id for row in rows], with_returns=with_lines)
    found = []
    for bought, points, last_day, rule_version in rows:
        own = lines.get(bought.id, ())
        found.append(
            Bought(
                id=bought.id,
                source=bought.source,
                external_id=bought.external_id,
                member_id=bought.member_id,
                occurred_at=bought.occurred_at,
                booked_at=bought.booked_at,
                currency=bought.currency,
                total_minor=bought.total_minor,
                place=bought.place,
                title=title_of([line.title for line, _back in own]),
                earned=points or 0,
                returned=sum(back for _line, back in own),
                last_day=last_day,
                rule_version=rule_version,
                withdrawn=bought.withdrawn_at is not None,
                lines=tuple(line for line, _back in own) if with_lines else (),
            )
        )
    return found


def title_of(names: Sequence[str]) -> str:
    """What a purchase is called: its first thing, and how many more there are."""
    named = [name.strip() for name in names if name.strip()]
    if not named:
        return ""
    return f"{named[0]} +{len(named) - 1}" if len(named) > 1 else named[0]


def _lines(ids: Sequence[UUID], *, with_returns: bool) -> Mapping[UUID, Sequence[tuple[Line, int]]]:
    """The lines of purchases with their points, and the money that came back of each."""
    if not ids:
        return {}
    earned = select(LotLine.purchase_line_id, func.sum(LotLine.points).label("points")).where(
        LotLine.purchase_line_id.in_(select(PurchaseLine.id).where(PurchaseLine.purchase_id.in_(ids)))
    )
    per_line = earned.group_by(LotLine.purchase_line_id).subquery()
    rows = db.session.execute(
        select(PurchaseLine, per_line.c.points)
        .outerjoin(per_line, per_line.c.purchase_line_id == PurchaseLine.id)
        .where(PurchaseLine.purchase_id.in_(ids))
        .order_by(PurchaseLine.purchase_id, PurchaseLine.line_no)
    ).all()
    came_back = [line.id for line, _points in rows if line.returned_minor or line.returned_quantity]
    returns = _returns(came_back) if with_returns else {}
    found: dict[UUID, list[tuple[Line, int]]] = defaultdict(list)
    for line, points in rows:
        shown = Line(
            id=line.id,
            line_no=line.line_no,
            sku=line.sku,
            description=line.description,
            quantity=line.quantity,
            unit_price=line.unit_price,
            amount_minor=line.amount_minor,
            points=int(points or 0),
            returns=tuple(returns.get(line.id, ())),
        )
        found[line.purchase_id].append((shown, line.returned_minor))
    return found


def _returns(line_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Return]]:
    found: dict[UUID, list[Return]] = defaultdict(list)
    if not line_ids:
        return found
    rows = db.session.execute(
        select(RefundLine, Refund.occurred_at)
        .join(Refund, Refund.id == RefundLine.refund_id)
        .where(RefundLine.purchase_line_id.in_(line_ids), Refund.withdrawn_at.is_(None))
        .order_by(Refund.occurred_at)
    )
    for line, occurred_at in rows:
        assert line.purchase_line_id is not None  # asked for by it
        found[line.purchase_line_id].append(
            Return(occurred_at, line.quantity, line.amount_minor, line.points_reversed, line.points_forgiven)
        )
    return found


def loose_returns(
    member_id: UUID, *, before: datetime | None = None, since: datetime | None = None
) -> Sequence[LooseReturn]:
    """Returns of a member, or parts of them, that no purchase could be found for."""
    statement = (
        select(
            Refund.id,
            Refund.occurred_at,
            Refund.currency,
            func.sum(RefundLine.amount_minor).label("total_minor"),
            func.array_agg(func.coalesce(func.nullif(RefundLine.description, ""), RefundLine.sku)).label("names"),
        )
        .join(RefundLine, RefundLine.refund_id == Refund.id)
        .where(Refund.member_id == member_id, Refund.withdrawn_at.is_(None), RefundLine.purchase_line_id.is_(None))
        .group_by(Refund.id, Refund.occurred_at, Refund.currency)
        .order_by(Refund.occurred_at.desc())
        .limit(200)
    )
    if before is not None:
        statement = statement.where(Refund.occurred_at < before)
    if since is not None:
        statement = statement.where(Refund.occurred_at >= since)
    return [
        LooseReturn(row.id, row.occurred_at, row.currency, int(row.total_minor), title_of(row.names))
        for row in db.session.execute(statement)
    ]


def awards(
    member_id: UUID, *, now: datetime, everything: bool = False, limit: int = 50, offset: int = 0
) -> Sequence[Award]:
    """A member's lots: those with points left, the first to lapse first; or all, the newest first."""
    statement = select(Lot, Purchase.total_minor, Purchase.currency, Purchase.place).outerjoin(
        Purchase, Purchase.id == Lot.purchase_id
    )
    statement = statement.where(Lot.member_id == member_id)
    if everything:
        statement = statement.order_by(Lot.occurred_at.desc(), Lot.id.desc())
    else:
        alive = (Lot.remaining > 0) & (Lot.lapses_at.is_(None) | (Lot.lapses_at > now))
        statement = statement.where(alive).order_by(Lot.lapses_at.nulls_last(), Lot.occurred_at, Lot.id)
    rows = db.session.execute(statement.limit(limit).offset(offset)).all()
    found = [_award(lot, total, currency, place, now) for lot, total, currency, place in rows]
    taken = _taken([award.id for award in found])
    return [replace(award, taken=tuple(taken.get(award.id, ()))) for award in found]


def _award(lot: Lot, total: int | None, currency: str | None, place: str | None, now: datetime) -> Award:
    return Award(
        id=lot.id,
        points=lot.points,
        remaining=lot.remaining,
        occurred_at=lot.occurred_at,
        last_day=lot.last_day,
        lapsed=lot.lapses_at is not None and lot.lapses_at <= now,
        rule_version=lot.rule_version,
        purchase_id=lot.purchase_id,
        total_minor=total,
        currency=currency,
        place=place,
    )


def _taken(lot_ids: Iterable[UUID]) -> Mapping[UUID, Sequence[Taken]]:
    found: dict[UUID, list[Taken]] = defaultdict(list)
    wanted = list(lot_ids)
    if not wanted:
        return found
    rows = db.session.execute(
        select(Allocation.lot_id, Allocation.points, Entry.kind, Entry.occurred_at, Entry.value_at)
        .join(Entry, Entry.id == Allocation.entry_id)
        .where(Allocation.lot_id.in_(wanted), Entry.kind != "award")
        .order_by(Entry.id)
    )
    for row in rows:
        found[row.lot_id].append(Taken(row.kind, row.points, row.occurred_at, row.value_at))
    return found
