"""Purchases and refunds as they were recorded."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, func, or_, select, tuple_

from config.extensions import db
from loyalty.points.models import Allocation, Entry, Lot, LotLine, PointAccount
from loyalty.purchases.models import Purchase, PurchaseLine, Refund, RefundLine
from tenants.errors import NotFound


def purchase(purchase_id: UUID) -> Purchase:
    """The purchase with this id. Raises NotFound."""
    found = db.session.scalars(select(Purchase).where(Purchase.id == purchase_id)).one_or_none()
    if found is None:
        raise NotFound
    return found


def lines_of(purchase_ids: Collection[UUID]) -> Sequence[Row[*tuple[Any, ...]]]:
    """Lines of purchases with what each earned: rows (PurchaseLine, points), by document and line number."""
    query = (
        select(PurchaseLine, func.coalesce(LotLine.points, 0).label("points"))
        .outerjoin(LotLine, LotLine.purchase_line_id == PurchaseLine.id)
        .where(PurchaseLine.purchase_id.in_(purchase_ids))
        .order_by(PurchaseLine.purchase_id, PurchaseLine.line_no)
    )
    return db.session.execute(query).all()


def history(
    member_id: UUID, *, limit: int = 20, before: tuple[datetime, UUID] | None = None
) -> Sequence[Row[*tuple[Any, ...]]]:
    """A member's purchases, the latest first: rows (Purchase, points). `before` is (occurred_at, id) of the last."""
    query = (
        select(Purchase, func.coalesce(Lot.points, 0).label("points"))
        .outerjoin(Lot, Lot.purchase_id == Purchase.id)
        .where(Purchase.member_id == member_id, Purchase.withdrawn_at.is_(None))
    )
    if before is not None:
        query = query.where(tuple_(Purchase.occurred_at, Purchase.id) < before)
    return db.session.execute(query.order_by(Purchase.occurred_at.desc(), Purchase.id.desc()).limit(limit)).all()


def refunds_without_original(*, limit: int = 100) -> Sequence[Row[*tuple[Any, ...]]]:
    """Returned lines whose purchase is not known: rows (Refund, RefundLine), the latest first."""
    query = (
        select(Refund, RefundLine)
        .join(RefundLine, RefundLine.refund_id == Refund.id)
        .where(RefundLine.purchase_line_id.is_(None), Refund.withdrawn_at.is_(None))
        .order_by(Refund.occurred_at.desc(), Refund.id.desc(), RefundLine.line_no)
        .limit(limit)
    )
    return db.session.execute(query).all()


BOUGHT = (
    PurchaseLine.id,
    PurchaseLine.sku,
    PurchaseLine.line_no,
    PurchaseLine.quantity,
    PurchaseLine.amount_minor,
    PurchaseLine.returned_quantity,
    PurchaseLine.returned_minor,
    PurchaseLine.purchase_id,
    Purchase.member_id,
    Purchase.occurred_at,
    Purchase.day,
    Purchase.source,
    Purchase.external_id,
    Lot.id.label("lot_id"),
    func.coalesce(LotLine.points, 0).label("points"),
)


def _bought() -> Any:
    return (
        select(*BOUGHT)
        .join(Purchase, Purchase.id == PurchaseLine.purchase_id)
        .outerjoin(LotLine, LotLine.purchase_line_id == PurchaseLine.id)
        .outerjoin(Lot, Lot.purchase_id == Purchase.id)
        .where(Purchase.withdrawn_at.is_(None))
    )


def bought_by(member_ids: Collection[UUID], skus: Collection[str]) -> Sequence[Row[*tuple[Any, ...]]]:
    """Lines that these members bought of these SKUs, with lot and points."""
    query = _bought().where(Purchase.member_id.in_(member_ids), PurchaseLine.sku.in_(skus))
    return db.session.execute(query).all()


def bought_in(documents: Collection[tuple[str, str]]) -> Sequence[Row[*tuple[Any, ...]]]:
    """All lines of the purchases named by (source, external id), with lot and points."""
    query = _bought().where(tuple_(Purchase.source, Purchase.external_id).in_(documents))
    return db.session.execute(query.order_by(Purchase.id, PurchaseLine.line_no)).all()


def taken_of_lines(line_ids: Collection[UUID]) -> dict[UUID, int]:
    """Points that earlier refunds took of lines or forgave."""
    query = (
        select(RefundLine.purchase_line_id, func.sum(RefundLine.points_reversed + RefundLine.points_forgiven))
        .join(Refund, and_(Refund.id == RefundLine.refund_id, Refund.withdrawn_at.is_(None)))
        .where(RefundLine.purchase_line_id.in_(line_ids))
        .group_by(RefundLine.purchase_line_id)
    )
    return {ident: int(points) for ident, points in db.session.execute(query) if ident}


def expired_of_lots(lot_ids: Collection[UUID]) -> dict[UUID, int]:
    """Points posted as lapsed of lots, net of what was taken back."""
    query = (
        select(Allocation.lot_id, -func.sum(Allocation.points))
        .join(Entry, Entry.id == Allocation.entry_id)
        .where(Allocation.lot_id.in_(lot_ids), Entry.kind == "expiry")
        .group_by(Allocation.lot_id)
    )
    return {ident: int(points) for ident, points in db.session.execute(query) if ident}


def lots_of(member_ids: Collection[UUID], lot_ids: Collection[UUID]) -> Sequence[Lot]:
    """Lots of members with points left, and the lots named, as they are now."""
    query = select(Lot).where(or_(Lot.id.in_(lot_ids), and_(Lot.member_id.in_(member_ids), Lot.remaining > 0)))
    return db.session.scalars(query.execution_options(populate_existing=True)).all()


def refunds_recorded(keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Any]:
    """Refunds by (source, external id): rows with the document, its lines, points taken back, lines unmatched."""
    unmatched = func.count().filter(RefundLine.purchase_line_id.is_(None), RefundLine.id.is_not(None))
    points = func.coalesce(func.sum(RefundLine.points_reversed), 0)
    columns = (Refund.id, Refund.source, Refund.external_id, Refund.member_id, Refund.content_hash)
    query = (
        select(
            *columns,
            points.label("points"),
            func.count(RefundLine.line_no.distinct()).label("lines"),
            unmatched.label("unmatched"),
        )
        .outerjoin(RefundLine, RefundLine.refund_id == Refund.id)
        .where(tuple_(Refund.source, Refund.external_id).in_(keys), Refund.withdrawn_at.is_(None))
        .group_by(*columns)
    )
    return {(row.source, row.external_id): row for row in db.session.execute(query)}


def standings(member_ids: set[UUID]) -> dict[UUID, tuple[int, int]]:
    """Balance in points and tier rank of these members."""
    query = select(PointAccount.member_id, PointAccount.balance, PointAccount.tier_rank).where(
        PointAccount.member_id.in_(member_ids)
    )
    return {ident: (balance, rank) for ident, balance, rank in db.session.execute(query)}
