"""Verbs of refunds: find the original, take back what was recorded, never more, never by today's rules.

Refunds are some per cent of purchases, so they are decided here, row by row, by rules.py, under the
locks of the accounts; reading and writing are set-based.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import insert, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert

from config.extensions import db
from loyalty.days import day_of
from loyalty.members.models import Card, Member
from loyalty.members.services import MemberRow, ensure_members
from loyalty.points import ledger
from loyalty.points.models import PointAccount
from loyalty.points.rules import LotState, Taking, returned_share, reverse_now, take
from loyalty.points.services import REFUSALS, use_key
from loyalty.purchases import queries
from loyalty.purchases.documents import Outcome, RefundDoc, ReturnedLine
from loyalty.purchases.models import Purchase, Refund, RefundLine
from loyalty.purchases.rules import BoughtLine, Match, ReturnLine, content_hash, match_returns
from loyalty.tiers.services import count_spend
from tenants.events import Fact, record_many
from tenants.ids import new_id
from tenants.info import tenant_info

ALWAYS = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class RefundRecorded(Fact):
    """A return was recorded; `points` is what it took back, `unmatched` its lines without an original."""

    kind: ClassVar[str] = "refund.recorded"
    refund_id: UUID
    member_id: UUID | None
    points: int
    total_minor: int
    unmatched: int
    import_id: UUID | None


@dataclass
class _Bought:
    """A bought line as it stands while the refunds of this call are worked off."""

    row: Any
    returned_quantity: Decimal
    returned_minor: int
    taken: int
    touched: bool = False

    def left(self, *, by_amount: bool) -> Decimal:
        if by_amount:
            return Decimal(self.row.amount_minor - self.returned_minor)
        return (self.row.quantity or Decimal(0)) - self.returned_quantity


@dataclass
class _Work:
    """One fresh refund: the document, its rows, and what came of it."""

    doc: RefundDoc
    id: UUID
    member_id: UUID | None
    occurred_at: datetime
    day: date
    lines: list[dict[str, Any]] = field(default_factory=list)
    points: int = 0
    unmatched: int = 0
    total_minor: int = 0


@dataclass
class _Shelf:
    """What the members of this call bought, their lots, and what is going to be written."""

    lines: dict[UUID, _Bought]
    by_member: dict[UUID, list[_Bought]]
    by_document: dict[tuple[str, str], list[_Bought]]
    lots: dict[UUID, LotState]
    lots_of: dict[UUID, list[UUID]]
    posting: ledger.Posting = field(default_factory=ledger.Posting)
    spend: dict[tuple[UUID, date, date], int] = field(default_factory=lambda: defaultdict(int))


def record_refund(
    doc: RefundDoc, *, source: str, key: str | None = None, body: bytes | None = None, now: datetime | None = None
) -> Outcome:
    """Record one refund in the current transaction. Raises UnknownMember, EventDiffers, KeyReused."""
    if key is not None:
        use_key(key, body or b"")
    outcome = record_refunds([doc], source=source, now=now)[0]
    refusal = REFUSALS.get(outcome.status)
    if refusal:
        raise refusal
    return outcome


def record_refunds(
    docs: Sequence[RefundDoc],
    *,
    source: str,
    import_id: UUID | None = None,
    create_members: bool = False,
    now: datetime | None = None,
) -> list[Outcome]:
    """Record a chunk of refunds in the current transaction; one answer for each document, in order.

    A named original is taken as named; without one each line goes to the latest earlier purchase
    of the member and SKU with quantity left. What finds none is kept and takes nothing.
    """
    moment = now or datetime.now(UTC)
    members = _resolve(docs, import_id=import_id, create=create_members)
    works = _insert(docs, members, source=source, import_id=import_id, now=moment)
    fresh = sorted(works.values(), key=lambda w: w.occurred_at)
    accounts = ledger.lock_accounts({w.member_id for w in fresh if w.member_id})
    if fresh:
        shelf = _read(fresh)
        for work in fresh:
            _work_off(work, shelf, now=moment)
        _write(fresh, shelf, accounts, import_id)
    return _answers(docs, members, works, source=source)


# -- who, and which are new ------------------------------------------------------------------------


def _resolve(docs: Sequence[RefundDoc], *, import_id: UUID | None, create: bool) -> list[UUID | None]:
    """The member of each document: as given, by number or card, else that of the named original."""
    wanted = {doc.member for doc in docs if doc.member and doc.member_id is None}
    query = select(Member.number, Member.id).where(Member.number.in_(wanted), Member.status != "withdrawn")
    found: dict[str, UUID] = dict(db.session.execute(query).all())
    cards = select(Card.number, Card.member_id).where(Card.number.in_(wanted - set(found)), Card.status == "active")
    found |= dict(db.session.execute(cards).all())
    if create:
        first = {d.member: d.occurred_at for d in docs if d.member in wanted - set(found)}
        rows = [MemberRow(number, joined_at=at) for number, at in first.items() if number]
        found |= ensure_members(rows, import_id=import_id).by_number
    owners = _owners([doc.original for doc in docs if doc.original])
    return [
        doc.member_id or (owners.get(doc.original) if doc.original else None) or found.get(doc.member or "")
        for doc in docs
    ]


def _owners(originals: Sequence[tuple[str, str]]) -> dict[tuple[str, str], UUID | None]:
    if not originals:
        return {}
    query = select(Purchase.source, Purchase.external_id, Purchase.member_id).where(
        tuple_(Purchase.source, Purchase.external_id).in_(originals), Purchase.withdrawn_at.is_(None)
    )
    return {(source, ident): member_id for source, ident, member_id in db.session.execute(query)}


def _fingerprint(doc: RefundDoc) -> bytes:
    lines = [[r.sku, r.amount_minor, r.quantity] for r in doc.lines] if doc.lines is not None else None
    return content_hash({"at": doc.occurred_at, "lines": lines, "original": doc.original, "place": doc.place})


def _insert(
    docs: Sequence[RefundDoc],
    members: Sequence[UUID | None],
    *,
    source: str,
    import_id: UUID | None,
    now: datetime,
) -> dict[int, _Work]:
    """Write the documents; by position those that are new. Unknown members are left out."""
    info = tenant_info()
    works: dict[int, _Work] = {}
    rows = []
    for n, (doc, member_id) in enumerate(zip(docs, members, strict=True)):
        if member_id is None and doc.member is not None:
            continue
        at = doc.occurred_at or now
        work = _Work(doc, new_id(), member_id, at, day_of(at, info.tz))
        works[n] = work
        rows.append(
            {
                "id": work.id,
                "source": doc.source or source,
                "external_id": doc.external_id,
                "member_id": member_id,
                "occurred_at": at,
                "day": work.day,
                "currency": info.currency,
                "total_minor": sum(r.amount_minor for r in doc.lines or ()),
                "content_hash": _fingerprint(doc),
                "import_id": import_id,
                "place": doc.place,
            }
        )
    if not rows:
        return {}
    rows.sort(key=lambda r: (str(r["source"]), str(r["external_id"])))
    new = set(db.session.execute(upsert(Refund).on_conflict_do_nothing().returning(Refund.id), rows).scalars())
    return {n: work for n, work in works.items() if work.id in new}


# -- what was bought -------------------------------------------------------------------------------


def _read(fresh: Sequence[_Work]) -> _Shelf:
    """Read what these refunds may touch, after the accounts are locked."""
    unnamed = [w for w in fresh if not w.doc.original and w.member_id]
    skus = {r.sku for w in unnamed for r in w.doc.lines or ()}
    rows: dict[UUID, Any] = {}
    if skus:
        rows = {r.id: r for r in queries.bought_by({w.member_id for w in unnamed if w.member_id}, skus)}
    named = {w.doc.original for w in fresh if w.doc.original}
    if named:
        rows |= {r.id: r for r in queries.bought_in(named)}
    taken = queries.taken_of_lines(rows) if rows else {}
    lines = {ident: _Bought(r, r.returned_quantity, r.returned_minor, taken.get(ident, 0)) for ident, r in rows.items()}
    shelf = _Shelf(lines, defaultdict(list), defaultdict(list), {}, defaultdict(list))
    for bought in lines.values():
        shelf.by_document[(bought.row.source, bought.row.external_id)].append(bought)
        if bought.row.member_id:
            shelf.by_member[bought.row.member_id].append(bought)
    _read_lots(shelf, {w.member_id for w in fresh if w.member_id})
    return shelf


def _read_lots(shelf: _Shelf, member_ids: set[UUID]) -> None:
    own = {b.row.lot_id for b in shelf.lines.values() if b.row.lot_id}
    expired = queries.expired_of_lots(own) if own else {}
    for lot in queries.lots_of(member_ids, own):
        shelf.lots[lot.id] = LotState(lot.id, lot.remaining, expired.get(lot.id, 0), lot.lapses_at, lot.occurred_at)
        shelf.lots_of[lot.member_id].append(lot.id)


# -- what comes of it ------------------------------------------------------------------------------


def _work_off(work: _Work, shelf: _Shelf, *, now: datetime) -> None:
    """Match one refund's lines and take back what they earned."""
    for match, line, by_amount in _matches(work, shelf):
        part = sum(1 for done in work.lines if done["line_no"] == match.line_no)
        row: dict[str, Any] = {
            "refund_id": work.id,
            "line_no": match.line_no,
            "part": part,
            "sku": line.sku,
            "description": line.description,
            "quantity": None if by_amount else match.quantity,
            "amount_minor": match.amount_minor,
            "spend_minor": 0,
            "purchase_line_id": match.purchase_line_id,
            "points_reversed": 0,
            "points_forgiven": 0,
        }
        bought = shelf.lines.get(match.purchase_line_id) if match.purchase_line_id else None
        if bought is None:
            work.unmatched += 1
        else:
            _return(work, row, bought, match, shelf, by_amount=by_amount, now=now)
        work.lines.append(row)
        work.total_minor += match.amount_minor


def _matches(work: _Work, shelf: _Shelf) -> Iterable[tuple[Match, ReturnedLine, bool]]:
    """Each returned line with the bought lines it came from; by amount where there is no quantity."""
    doc = work.doc
    candidates = shelf.by_document[doc.original] if doc.original else shelf.by_member[work.member_id or work.id]
    returned = doc.lines if doc.lines is not None else [_rest(b) for b in candidates]
    for line_no, line in enumerate(returned, 1):
        same = [b for b in candidates if b.row.sku == line.sku]
        by_amount = line.quantity is None or (bool(same) and all(b.row.quantity is None for b in same))
        units = Decimal(line.amount_minor) if by_amount else line.quantity or Decimal(0)
        shelf_lines = [
            BoughtLine(b.row.id, b.row.sku, b.row.occurred_at, b.row.line_no, b.left(by_amount=by_amount)) for b in same
        ]
        at = ALWAYS if doc.original else work.occurred_at
        for match in match_returns(
            [ReturnLine(line_no, line.sku, units, line.amount_minor)], shelf_lines, occurred_at=at
        ):
            yield match, line, by_amount


def _rest(bought: _Bought) -> ReturnedLine:
    """All that is left of a bought line."""
    row = bought.row
    quantity = None if row.quantity is None else bought.left(by_amount=False)
    return ReturnedLine(row.sku, max(0, row.amount_minor - bought.returned_minor), quantity)


def _return(
    work: _Work, row: dict[str, Any], bought: _Bought, match: Match, shelf: _Shelf, *, by_amount: bool, now: datetime
) -> None:
    """Book one part of a return on the line it came from, and take back the points."""
    spend = max(0, min(match.amount_minor, bought.row.amount_minor - bought.returned_minor))
    bought.touched = True
    bought.returned_minor += match.amount_minor
    if by_amount:
        share = returned_share(returned=bought.returned_minor, of=bought.row.amount_minor)
    else:
        bought.returned_quantity += match.quantity
        share = returned_share(returned=bought.returned_quantity, of=bought.row.quantity)
    row["spend_minor"] = spend
    if work.member_id and spend:
        shelf.spend[(work.member_id, bought.row.day, max(work.day, bought.row.day))] -= spend
    need = reverse_now(int(bought.row.points), share=share, already=bought.taken)
    if not need or bought.row.lot_id is None:
        return
    taking = _take(work, need, shelf, own=bought.row.lot_id, line=len(work.lines), now=now)
    bought.taken += need
    row["points_reversed"], row["points_forgiven"] = taking.points, taking.forgiven
    work.points += taking.points


def _take(work: _Work, need: int, shelf: _Shelf, *, own: UUID, line: int, now: datetime) -> Taking:
    assert work.member_id is not None
    lot = shelf.lots[own]
    others = [shelf.lots[i] for i in shelf.lots_of[work.member_id]]
    taking = take(need, own=lot, others=others, now=now)
    key = {"member_id": work.member_id, "source": "@refund", "external_id": str(work.id), "line": line, "lot_id": own}
    parts: dict[UUID, int] = defaultdict(int)
    for ident, points in taking.lots:
        parts[ident] -= points
        shelf.lots[ident] = replace(shelf.lots[ident], remaining=shelf.lots[ident].remaining - points)
    if taking.from_lapsed:
        parts[own] -= taking.from_lapsed
        shelf.lots[own] = replace(shelf.lots[own], expired=shelf.lots[own].expired - taking.from_lapsed)
        back = [(own, taking.from_lapsed)]
        shelf.posting.add(lots=back, kind="expiry", occurred_at=work.occurred_at, value_at=lot.lapses_at, **key)
    if taking.points:
        at = work.occurred_at
        shelf.posting.add(lots=list(parts.items()), kind="reversal", occurred_at=at, value_at=at, **key)
    return taking


# -- writing ---------------------------------------------------------------------------------------


RETURNED = """
UPDATE purchase_lines l SET returned_quantity = r.quantity, returned_minor = r.minor
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(id uuid, quantity numeric, minor bigint) WHERE l.id = r.id
"""


def _write(fresh: Sequence[_Work], shelf: _Shelf, accounts: dict[UUID, PointAccount], import_id: UUID | None) -> None:
    lines = [row for work in fresh for row in work.lines]
    if lines:
        db.session.execute(insert(RefundLine), lines)
    ledger.post(shelf.posting)
    touched = [
        {"id": ident, "quantity": b.returned_quantity, "minor": b.returned_minor}
        for ident, b in shelf.lines.items()
        if b.touched
    ]
    if touched:
        db.session.execute(text(RETURNED), {"rows": ledger.as_json(touched)})
    count_spend(shelf.spend, accounts)
    facts = [RefundRecorded(w.id, w.member_id, w.points, w.total_minor, w.unmatched, import_id) for w in fresh]
    record_many([(fact, work.occurred_at) for fact, work in zip(facts, fresh, strict=True)])


def _answers(
    docs: Sequence[RefundDoc], members: Sequence[UUID | None], works: dict[int, _Work], *, source: str
) -> list[Outcome]:
    keys = [(doc.source or source, doc.external_id) for doc in docs]
    known = queries.refunds_recorded(keys)
    balances = queries.standings({m for m in members if m})
    answers = []
    for n, (doc, key, member_id) in enumerate(zip(docs, keys, members, strict=True)):
        row = known.get(key)
        if row is None:
            answers.append(Outcome("unknown_member"))
            continue
        same = row.content_hash == _fingerprint(doc) and row.member_id == member_id
        status = "new" if n in works else "unchanged" if same else "event_differs"
        balance, rank = balances.get(member_id, (None, None)) if member_id else (None, None)
        answers.append(
            Outcome(status, row.id, int(row.points), balance, rank, row.member_id, int(row.lines), int(row.unmatched))
        )
    return answers
