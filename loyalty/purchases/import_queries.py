"""What an import needs to know of what is recorded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Integer, and_, func, select

from config.extensions import db
from loyalty.members.models import Member
from loyalty.purchases.import_docs import Doc
from loyalty.purchases.import_merge import Recorded
from loyalty.purchases.models import Purchase, PurchaseLine, Refund, RefundLine
from tenants.imports.kinds import Finding
from tenants.imports.models import Import

_BATCH = 20_000
_MOST_ADDED = 100  # documents that may add lines to one: 536365#2, 536365#3, …


def known_numbers(numbers: Sequence[str]) -> int:
    """How many of these customer numbers are members already."""
    count = 0
    for start in range(0, len(numbers), _BATCH):
        part = list(numbers[start : start + _BATCH])
        query = select(func.count()).select_from(Member).where(Member.number.in_(part), Member.status != "withdrawn")
        count += db.session.scalar(query) or 0
    return count


def known_lines(docs: Sequence[Doc], *, source: str) -> tuple[int, int]:
    """How many lines stand in documents recorded with the same total and time, and in such with another one."""
    unchanged = differs = 0
    for form, table in (("p", Purchase), ("r", Refund)):
        some = [doc for doc in docs if doc.form == form and not doc.mark]
        for start in range(0, len(some), _BATCH):
            part = some[start : start + _BATCH]
            same_source = (table.source == source, table.withdrawn_at.is_(None))
            query = select(table.external_id, table.total_minor, table.occurred_at).where(
                *same_source, table.external_id.in_([doc.key for doc in part])
            )
            known = {key: (total, at) for key, total, at in db.session.execute(query)}
            for doc in part:
                if doc.key in known:
                    same = known[doc.key] == (doc.total, doc.at)
                    unchanged, differs = unchanged + same * len(doc.lines), differs + (not same) * len(doc.lines)
    return unchanged, differs


def matchable_returns(docs: Iterable[Doc]) -> int:
    """How many returned lines will find a purchase, counting what this file brings and what is recorded."""
    left: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    open_lines: list[tuple[str, str, Decimal]] = []
    matched = 0
    for doc in docs:
        if not doc.member:
            continue
        for line in doc.lines:
            key, quantity = (doc.member, line[2]), Decimal(line[4])
            if doc.form == "p":
                left[key] += quantity
            elif left[key] > 0:
                left[key] -= min(quantity, left[key])
                matched += 1
            else:
                open_lines.append((doc.member, line[2], quantity))
    return matched + _matched_by_recorded(open_lines)


def _matched_by_recorded(lines: Sequence[tuple[str, str, Decimal]]) -> int:
    if not lines:
        return 0
    query = (
        select(Member.number, PurchaseLine.sku)
        .join(Purchase, and_(Purchase.member_id == Member.id, Purchase.withdrawn_at.is_(None)))
        .join(PurchaseLine, PurchaseLine.purchase_id == Purchase.id)
        .where(
            Member.number.in_({number for number, _sku, _quantity in lines}),
            PurchaseLine.sku.in_({sku for _number, sku, _quantity in lines}),
            PurchaseLine.returned_quantity < PurchaseLine.quantity,
        )
        .distinct()
    )
    bought = {(number, sku) for number, sku in db.session.execute(query)}
    return sum(1 for number, sku, _quantity in lines if (number, sku) in bought)


def recorded(doc: Doc, *, source: str) -> Recorded:
    """What is recorded under a document's number, with the documents that added lines to it."""
    table = Purchase if doc.form == "p" else Refund
    names = [doc.key, *(f"{doc.key}#{number}" for number in range(2, 2 + _MOST_ADDED))]
    query = (
        select(table.id, table.import_id, Member.number)
        .outerjoin(Member, Member.id == table.member_id)
        .where(table.source == source, table.withdrawn_at.is_(None), table.external_id.in_(names))
    )
    found = db.session.execute(query).all()
    imports = {row.import_id for row in found if row.import_id}
    refused = (
        select(func.count())
        .select_from(Import)
        .where(Import.id.in_(imports), Import.counts["rejected"].astext.cast(Integer) > 0)
    )
    return Recorded(
        documents=len(found),
        same_member=all((row.number or "") == doc.member for row in found),
        had_refusals=bool(imports) and bool(db.session.scalar(refused)),
        lines=_lines(doc.form, [row.id for row in found]),
    )


def _lines(form: str, ids: Sequence[UUID]) -> Sequence[tuple[str, Decimal, int]]:
    if form == "p":
        query = select(PurchaseLine.sku, PurchaseLine.quantity, PurchaseLine.amount_minor).where(
            PurchaseLine.purchase_id.in_(ids)
        )
        return [(sku, quantity or Decimal(0), int(minor)) for sku, quantity, minor in db.session.execute(query)]
    parts = (
        select(RefundLine.sku, func.sum(RefundLine.quantity), func.sum(RefundLine.amount_minor))
        .where(RefundLine.refund_id.in_(ids))
        .group_by(RefundLine.refund_id, RefundLine.line_no, RefundLine.sku)
    )
    return [(sku, quantity or Decimal(0), int(minor)) for sku, quantity, minor in db.session.execute(parts)]


def without_original(import_id: UUID, *, limit: int) -> list[Finding]:
    """Returned lines of an import whose purchase is not known, in date order."""
    query = (
        select(
            Refund.external_id, Member.number, RefundLine.sku, RefundLine.description, RefundLine.quantity,
            RefundLine.amount_minor, Refund.occurred_at,
        )
        .join(RefundLine, RefundLine.refund_id == Refund.id)
        .outerjoin(Member, Member.id == Refund.member_id)
        .where(Refund.import_id == import_id, RefundLine.purchase_line_id.is_(None), Refund.withdrawn_at.is_(None))
        .order_by(Refund.occurred_at, Refund.id, RefundLine.line_no)
        .limit(limit)
    )  # fmt: skip
    return [
        Finding(
            row[0],
            row[1] or "",
            f"{row[2]} {row[3]}".strip(),
            str(row[4] if row[4] is not None else ""),
            int(row[5]),
            row[6],
        )
        for row in db.session.execute(query)
    ]
