"""Verbs of purchases: record them, one or many, through the one set-based writer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import DBAPIError

from loyalty.days import day_of
from loyalty.members.services import MemberRow, ensure_members
from loyalty.points import ledger
from loyalty.points.queries import Terms, in_transaction, terms
from loyalty.points.rules import earn
from loyalty.points.services import REFUSALS, ensure_programme, exponent_of, lapse_of
from loyalty.purchases.documents import Line, Outcome, PurchaseDoc
from loyalty.purchases.rules import content_hash
from tenants.errors import Conflict, Malformed
from tenants.events import current_actor_ref
from tenants.ids import new_id
from tenants.info import TenantInfo, tenant_info

TRIES = 3


class ImportInUse(Conflict):
    """Points of the import were spent, or refunds from elsewhere refer to it."""

    code = "import_in_use"
    sentence = _l("This import cannot be undone: its points were spent or its purchases were returned since.")


def record_purchase(
    doc: PurchaseDoc, *, source: str, key: str | None = None, body: bytes | None = None, now: datetime | None = None
) -> Outcome:
    """Record one purchase: document, lines, lot, entry, spend, tier and event.

    Outside a transaction this is one committed round trip. Raises UnknownMember, EventDiffers, KeyReused.
    """
    outcome = record_batch([doc], source=source, key=key, body=body, now=now)[0]
    refusal = REFUSALS.get(outcome.status)
    if refusal:
        raise refusal
    return outcome


def record_batch(
    docs: Sequence[PurchaseDoc],
    *,
    source: str,
    key: str | None = None,
    body: bytes | None = None,
    now: datetime | None = None,
) -> list[Outcome]:
    """Record a batch for the API: one answer each, in order; an unknown member is an answer, not an error."""
    direct = not in_transaction()
    return _record(docs, source=source, request={"key": key, "body": body}, direct=direct, now=now)


def record_purchases(
    docs: Sequence[PurchaseDoc],
    *,
    source: str,
    import_id: UUID | None = None,
    create_members: bool = False,
    now: datetime | None = None,
) -> list[Outcome]:
    """Record a chunk in the current transaction; with `create_members` unknown numbers become members.

    They join on the day of their first purchase here. One answer for each document, in order.
    """
    if create_members:
        _create_members(docs, import_id)
    return _record(docs, source=source, request={"import_id": import_id}, direct=False, now=now)


def _create_members(docs: Sequence[PurchaseDoc], import_id: UUID | None) -> None:
    first: dict[str, datetime | None] = {}
    for doc in docs:
        if doc.member and doc.member_id is None:
            known = first.setdefault(doc.member, doc.occurred_at)
            if known and doc.occurred_at and doc.occurred_at < known:
                first[doc.member] = doc.occurred_at
    ensure_members([MemberRow(number, joined_at=at) for number, at in first.items()], import_id=import_id)


def _record(
    docs: Sequence[PurchaseDoc], *, source: str, request: dict[str, Any], direct: bool, now: datetime | None
) -> list[Outcome]:
    if not docs:
        return []
    moment = now or datetime.now(UTC)
    for _attempt in range(TRIES):
        known = terms() if direct else ensure_programme()
        if known is None:  # the first purchase of a new tenant founds the programme, in a transaction
            direct, known = False, ensure_programme()
        info = tenant_info()
        rows = [_row(doc, n=n, source=source, known=known, info=info, now=moment) for n, doc in enumerate(docs)]
        values = {"rules": known.newest, "actor": current_actor_ref(), "import_id": None, "key": None, "body": None}
        found = ledger.record_purchases(rows, {**values, **_plain(request)}, direct=direct)
        if found[0].n is not None:
            return [
                Outcome(r.status, r.purchase_id, r.points, r.balance, r.tier_rank, r.member_id, len(docs[r.n].lines))
                for r in found
            ]
        if found[0].status != "stale_rules":
            break
        terms(fresh=True)
    raise REFUSALS[found[0].status]


def _plain(request: dict[str, Any]) -> dict[str, Any]:
    ident = request.get("import_id")
    return {**request, "import_id": str(ident)} if ident else request


def _row(doc: PurchaseDoc, *, n: int, source: str, known: Terms, info: TenantInfo, now: datetime) -> dict[str, Any]:
    """A document as the writer takes it, with ids, points and lapse."""
    currency = _currency(doc.currency, info)
    occurred_at = doc.occurred_at or now
    zone = info.tz
    day = day_of(occurred_at, zone)
    rule = known.at(occurred_at)
    amounts = [line.amount_minor for line in doc.lines]
    earned = earn(amounts, rule.earning, exponent=exponent_of(currency))
    nobody = doc.member is None and doc.member_id is None
    ends = lapse_of(day, rule.validity, zone) if earned.points and not nobody else None
    total = sum(amounts)
    return {
        "n": n,
        "id": new_id(),
        "source": doc.source or source,
        "external_id": doc.external_id,
        "member": doc.member,
        "member_id": doc.member_id,
        "occurred_at": occurred_at,
        "day": day,
        "currency": currency,
        "total_minor": total,
        "spend_minor": max(0, total),
        "hash": _fingerprint(doc, currency),
        "place": doc.place,
        "points": 0 if nobody else earned.points,
        "last_day": ends.last_day if ends else None,
        "lapses_at": ends.at if ends else None,
        "rules": rule.version,
        "lot_id": new_id(),
        "lines": [
            _line(line, line_no, 0 if nobody else points)
            for line_no, (line, points) in enumerate(zip(doc.lines, earned.by_line, strict=True), 1)
        ],
    }


def _line(line: Line, line_no: int, points: int) -> dict[str, Any]:
    return {
        "id": new_id(),
        "line_no": line_no,
        "sku": line.sku,
        "description": line.description,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "amount_minor": line.amount_minor,
        "points": points,
    }


def _currency(given: str | None, info: TenantInfo) -> str:
    """The tenant's currency. Raises Malformed for another one: points and tiers have one currency."""
    if given and given != info.currency:
        raise Malformed({"currency": [_l("Amounts must be in %(currency)s.", currency=info.currency)]})
    return info.currency


def _fingerprint(doc: PurchaseDoc, currency: str) -> str:
    """The content of a document, without the member: that is compared by id, so a card or a number will do."""
    lines = [[line.sku, line.amount_minor, line.quantity, line.unit_price] for line in doc.lines]
    return content_hash({"at": doc.occurred_at, "currency": currency, "place": doc.place, "lines": lines}).hex()


def undo_import(import_id: UUID) -> dict[str, int]:
    """Take back what an import brought, by further entries; afterwards the same file can be imported again.

    Returns purchases, refunds and points taken back. Raises ImportInUse.
    """
    try:
        row = ledger.withdraw_import(import_id, actor=current_actor_ref())
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == "PN001":
            raise ImportInUse from error
        raise
    return {"purchases": row.purchases, "refunds": row.refunds, "points": row.points}
