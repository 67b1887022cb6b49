"""The only writer of lots, entries and allocations. Everything goes through the SQL functions of the ledger.

Balances are moved where the entries are written, under the account's lock, taken late, once and in
sorted order. Nothing here decides: amounts and lots come from rules.py.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.dialects.postgresql import insert

from config.extensions import db
from loyalty.points.models import PointAccount
from tenants.hints import hint
from tenants.ids import new_id
from tenants.scope import call, current_tenant_id


def as_json(value: object) -> str:
    """Rows for the set-based functions as JSON text; decimals and ids travel as text, exactly."""
    return json.dumps(value, default=_plain, separators=(",", ":"))


def _plain(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written")


def run(statement: str, values: Mapping[str, Any], *, direct: bool) -> Sequence[Row[*tuple[Any, ...]]]:
    """Call a ledger function: `direct` in one committed round trip of its own, else in the current transaction."""
    values = {"tenant": str(current_tenant_id()), **values}
    if direct:
        written: Sequence[Any] = call(statement, values)
        hint(current_tenant_id())
        return written
    rows = db.session.execute(text(statement), values).all()
    db.session.info["recorded"] = True  # the function wrote events, so the relay gets its hint
    return rows


AWARD = """
SELECT status, entry_id, points, balance, last_day FROM award_points(CAST(:tenant AS uuid), :member, :points, :source,
  :external_id, :occurred_at, :last_day, :lapses_at, :rules, :actor, :note, :key, :body)
"""


def award(values: Mapping[str, Any], *, direct: bool) -> Row[*tuple[Any, ...]]:
    """One bare award: entry, lot, balance and event, or the first answer again. Row: status, entry_id, …"""
    return run(AWARD, values, direct=direct)[0]


AWARD_MANY = """
SELECT n, status, entry_id, points, balance, last_day
FROM award_points_many(CAST(:tenant AS uuid), CAST(:rows AS jsonb), :rules, :actor, :key, :body)
"""


def award_many(
    rows: Sequence[Mapping[str, Any]], values: Mapping[str, Any], *, direct: bool
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Many bare awards, set by set. One result row for each row, in order."""
    return run(AWARD_MANY, {"rows": as_json(rows), **values}, direct=direct)


RECORD_PURCHASES = """
SELECT n, status, purchase_id, points, balance, tier_rank, member_id
FROM record_purchases(CAST(:tenant AS uuid), CAST(:docs AS jsonb), :rules, :actor,
  CAST(:import_id AS uuid), :key, :body)
"""


def record_purchases(
    docs: Sequence[Mapping[str, Any]],
    values: Mapping[str, Any],
    *,
    direct: bool,
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Purchases with lines, lots, entries, spend, tiers and events. One result row for each document."""
    return run(RECORD_PURCHASES, {"docs": as_json(docs), **values}, direct=direct)


@dataclass
class Posting:
    """Entries with what they take from lots, gathered and then written in one go."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    takes: list[dict[str, Any]] = field(default_factory=list)

    def add(self, *, lots: Sequence[tuple[UUID, int]], **entry: Any) -> None:
        """Add an entry whose points are the sum of what it takes from (or gives back to) the lots."""
        ident = new_id()
        self.entries.append({"id": ident, "points": sum(points for _, points in lots), **entry})
        self.takes += [{"entry_id": ident, "lot_id": lot, "points": points} for lot, points in lots]


def post(posting: Posting) -> None:
    """Write gathered entries and move lots and balances. Raises IntegrityError where a lot would be overdrawn."""
    if posting.entries:
        statement = "SELECT post_entries(CAST(:tenant AS uuid), CAST(:entries AS jsonb), CAST(:takes AS jsonb))"
        run(statement, {"entries": as_json(posting.entries), "takes": as_json(posting.takes)}, direct=False)


def lock_accounts(member_ids: Collection[UUID]) -> dict[UUID, PointAccount]:
    """Lock accounts in sorted order for the rest of the transaction; their present state by member."""
    query = (
        select(PointAccount)
        .where(PointAccount.member_id.in_(member_ids))
        .order_by(PointAccount.member_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {account.member_id: account for account in db.session.scalars(query)}


def open_accounts(member_ids: Collection[UUID]) -> None:
    """Give members their point account; those who have one keep it."""
    if member_ids:
        rows = [{"member_id": member_id} for member_id in sorted(member_ids)]
        db.session.execute(insert(PointAccount).on_conflict_do_nothing(), rows)


def post_lapses(*, as_of: datetime, limit: int) -> int:
    """Post what lapsed by an instant and is not posted yet, at most `limit` lots; how many were looked at."""
    statement = "SELECT post_lapses(CAST(:tenant AS uuid), :as_of, :limit)"
    return int(run(statement, {"as_of": as_of, "limit": limit}, direct=False)[0][0])


def withdraw_import(import_id: UUID, *, actor: str) -> Row[*tuple[Any, ...]]:
    """Take back an import's purchases and refunds by further entries. Row: purchases, refunds, points."""
    statement = """
    SELECT purchases, refunds, points FROM withdraw_import(CAST(:tenant AS uuid), CAST(:import_id AS uuid), :actor)
    """
    return run(statement, {"import_id": str(import_id), "actor": actor}, direct=False)[0]
