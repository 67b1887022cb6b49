"""The lists of purchases and of returned lines, and how a cell's colours are chosen."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, or_, select

from loyalty.members.models import Member
from loyalty.points.models import Lot
from loyalty.purchases.models import Purchase, PurchaseLine, Refund, RefundLine
from tenants.formats import money, number
from tenants.listing import Choice, Column, DateRange, Empty, Listing

LAST = "\uffff"
WHO = [("member", _l("Members")), ("other", _l("Others"))]
ORIGINAL = [("known", _l("Purchase known")), ("unknown", _l("Purchase not known"))]


def purchases() -> Select[Any]:
    """Purchases with member and points, one row each; what an undone import brought is left out."""
    columns: tuple[Any, ...] = (
        Purchase.id,
        Purchase.external_id,
        Purchase.occurred_at,
        Purchase.place,
        Purchase.total_minor,
        Purchase.currency,
        Purchase.member_id,
        Member.name.label("member_name"),
        Member.number.label("member_number"),
        Lot.points,
    )
    return (
        select(*columns)
        .outerjoin(Member, Member.id == Purchase.member_id)
        .outerjoin(Lot, Lot.purchase_id == Purchase.id)
        .where(Purchase.withdrawn_at.is_(None))
    )


def returns() -> Select[Any]:
    """Returned lines with their document, member and purchase, one row each."""
    columns: tuple[Any, ...] = (
        RefundLine.id,
        RefundLine.sku,
        RefundLine.description,
        RefundLine.quantity,
        RefundLine.amount_minor,
        RefundLine.points_reversed,
        RefundLine.points_forgiven,
        Refund.external_id,
        Refund.occurred_at,
        Refund.currency,
        Refund.member_id,
        PurchaseLine.purchase_id,
        Member.name.label("member_name"),
        Member.number.label("member_number"),
    )
    return (
        select(*columns)
        .join(Refund, Refund.id == RefundLine.refund_id)
        .outerjoin(PurchaseLine, PurchaseLine.id == RefundLine.purchase_line_id)
        .outerjoin(Member, Member.id == Refund.member_id)
        .where(Refund.withdrawn_at.is_(None))
    )


def find_purchases(statement: Select[Any], text: str) -> Select[Any]:
    """Narrow to a receipt number or a member's number or name, by their beginning."""
    low = text.lower()
    return statement.where(
        or_(
            Purchase.external_id.between(text, text + LAST),
            Member.number.between(text, text + LAST),
            Member.sort_key.between(low, low + LAST),
        )
    )


def find_returns(statement: Select[Any], text: str) -> Select[Any]:
    """Narrow to a document, an article or a member, by their beginning."""
    low = text.lower()
    return statement.where(
        or_(
            Refund.external_id.between(text, text + LAST),
            RefundLine.sku.between(text, text + LAST),
            func.lower(RefundLine.description).contains(low, autoescape=True),
            Member.number.between(text, text + LAST),
            Member.sort_key.between(low, low + LAST),
        )
    )


def _who(statement: Select[Any], value: str) -> Select[Any]:
    known = Purchase.member_id.is_not(None)
    return statement.where(known if value == "member" else ~known)


def _original(statement: Select[Any], value: str) -> Select[Any]:
    known = RefundLine.purchase_line_id.is_not(None)
    return statement.where(known if value == "known" else ~known)


def member_of(row: Any) -> str:
    """Who bought, in words."""
    return row.member_name or row.member_number or _("not a member")


PURCHASES = Listing(
    "purchases",
    columns=[
        Column("external_id", _l("Receipt"), sort=Purchase.external_id),
        Column("occurred_at", _l("When"), sort=Purchase.occurred_at, format="moment"),
        Column("member", _l("Member"), sort=Member.sort_key, value=member_of),
        Column("place", _l("Place")),
        Column(
            "total_minor",
            _l("Total"),
            sort=Purchase.total_minor,
            format="money",
        ),
        Column("points", _l("Points"), sort=Lot.points, format="points"),
    ],
    key=Purchase.id,
    sort="-occurred_at",
    search=find_purchases,
    search_hint=_l("Receipt, member number or name"),
    filters=[
        Choice("who", _l("Bought by"), options=WHO, where=_who),
        DateRange("occurred_at", _l("When"), Purchase.occurred_at),
    ],
    link=lambda row: url_for("purchases.show", purchase_id=row.id),
    empty=Empty(
        _l("No purchases yet"),
        _l("Import a file of purchases, send them through the API, or ring one up at the till."),
        "imports.index",
        _l("Import a file"),
        icon="shopping-bag",
    ),
    export_needs="members.export",
)

RETURNS = Listing(
    "returns",
    columns=[
        Column("external_id", _l("Document"), sort=Refund.external_id),
        Column("occurred_at", _l("When"), sort=Refund.occurred_at, format="moment"),
        Column("member", _l("Member"), sort=Member.sort_key, value=member_of),
        Column("what", _l("What"), value=lambda row: row.description or row.sku),
        Column("quantity", _l("Quantity"), value=lambda row: number(row.quantity), csv=lambda row: row.quantity),
        Column(
            "amount_minor",
            _l("Amount"),
            sort=RefundLine.amount_minor,
            value=lambda row: money(row.amount_minor, row.currency),
        ),
        Column("original", _l("Purchase"), cell="purchases/_cells.html#original", csv=lambda row: row.purchase_id),
        Column("points_reversed", _l("Points taken back"), sort=RefundLine.points_reversed, format="points"),
    ],
    key=RefundLine.id,
    sort="-occurred_at",
    search=find_returns,
    search_hint=_l("Document, article, member number or name"),
    filters=[
        Choice("original", _l("Purchase"), options=ORIGINAL, where=_original),
        DateRange("occurred_at", _l("When"), Refund.occurred_at),
    ],
    empty=Empty(
        _l("No returns"), _l("Returns arrive with the purchases, by file, API or till."), icon="receipt-refund"
    ),
    export_needs="members.export",
)
