"""What the ledger says: the programme's terms, balances, lots, movements, and the proof of the caches."""

from __future__ import annotations

import json
import time
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, or_, select, text

from config.extensions import db
from loyalty.points.models import Entry, Lot, PointAccount, Programme, RuleVersion
from loyalty.points.rules import Earning, Validity
from loyalty.tiers.rules import Policy
from tenants.errors import NotFound
from tenants.scope import call, current_tenant_id

KEPT_SECONDS = 10.0


@dataclass(frozen=True)
class Rule:
    """One published version: what a basket earns and how long its points are valid."""

    version: int
    published_at: datetime
    earning: Earning
    validity: Validity


@dataclass(frozen=True)
class Terms:
    """The programme as the doors need it. Rules are in order of version, there is at least one."""

    name: str
    rules: tuple[Rule, ...]
    policy: Policy
    starts: tuple[datetime, ...] = field(repr=False)

    @property
    def newest(self) -> int:
        """The newest rule version; the writer refuses callers who know an older one."""
        return self.rules[-1].version

    def at(self, instant: datetime) -> Rule:
        """The rule in force at an instant; before the first publication the first one."""
        return self.rules[max(0, bisect_right(self.starts, instant) - 1)]


def _rule(found: Mapping[str, Any]) -> Rule:
    document = found["document"]
    step = document.get("step")
    earning = Earning(Decimal(document["points"]), Decimal(step) if step else None, document.get("rounding", "order"))
    validity = Validity(document.get("months"), document.get("round_up", "none"))
    return Rule(found["version"], datetime.fromisoformat(found["published_at"]), earning, validity)


def _terms(found: Mapping[str, Any]) -> Terms:
    rules = tuple(_rule(r) for r in found["rules"])
    policy = Policy(
        (0, *found["thresholds"]), found["window_months"], found["review_months"], found["tier_policy_version"]
    )
    return Terms(found["name"], rules, policy, tuple(r.published_at for r in rules))


def in_transaction() -> bool:
    """Whether this thread's session has an open transaction, so that the hot path may not go past it."""
    return db.session.registry.has() and db.session().in_transaction()


_cache: dict[UUID, tuple[float, Terms]] = {}


def terms(*, fresh: bool = False) -> Terms | None:
    """The programme of the tenant in force, None before there is one. Kept for some seconds per process.

    A stale answer does no harm: the purchase writer is told which version was used and refuses an old one.
    """
    tenant = current_tenant_id()
    kept = _cache.get(tenant)
    if kept and not fresh and kept[0] > time.monotonic():
        return kept[1]
    statement = "SELECT programme_terms(CAST(:tenant AS uuid))"
    values = {"tenant": str(tenant)}
    inside = in_transaction()
    found = db.session.execute(text(statement), values).scalar() if inside else call(statement, values)[0][0]
    if found is None:
        return None
    if len(_cache) > 20_000:
        _cache.clear()
    got = _terms(json.loads(found) if isinstance(found, str) else found)
    _cache[tenant] = (time.monotonic() + KEPT_SECONDS, got)
    return got


def forget_terms() -> None:
    """Empty this process's cache, after a version was published here."""
    _cache.clear()


@dataclass(frozen=True)
class Balance:
    """A member's points. `spendable` leaves out what has lapsed but is not posted yet."""

    balance: int
    spendable: int
    debt: int


def balance(member_id: UUID, *, now: datetime) -> Balance:
    """What a member has and may spend at an instant. A member without an account has nothing."""
    lapsed = (
        select(func.coalesce(func.sum(Lot.remaining), 0))
        .where(Lot.member_id == member_id, Lot.remaining > 0, Lot.lapses_at <= now)
        .scalar_subquery()
    )
    query = select(PointAccount.balance, PointAccount.debt, lapsed).where(PointAccount.member_id == member_id)
    row = db.session.execute(query).one_or_none()
    return Balance(int(row[0]), int(row[0]) - int(row[2]), int(row[1])) if row else Balance(0, 0, 0)


def open_lots(member_id: UUID, *, now: datetime, limit: int = 100) -> Sequence[Lot]:
    """Lots with points left that have not lapsed, first-expiring first."""
    query = (
        select(Lot)
        .where(
            Lot.member_id == member_id,
            Lot.remaining > 0,
            or_(Lot.lapses_at.is_(None), Lot.lapses_at > now),
        )
        .order_by(Lot.lapses_at.asc().nulls_last(), Lot.occurred_at, Lot.id)
        .limit(limit)
    )
    return db.session.scalars(query).all()


def lapsing(member_id: UUID, *, now: datetime, limit: int = 12) -> Sequence[Row[*tuple[Any, ...]]]:
    """What lapses when: rows (last_day, points), the next day first; points that never lapse are left out."""
    query = (
        select(Lot.last_day, func.sum(Lot.remaining).label("points"))
        .where(Lot.member_id == member_id, Lot.remaining > 0, Lot.lapses_at > now)
        .group_by(Lot.last_day)
        .order_by(Lot.last_day)
        .limit(limit)
    )
    return db.session.execute(query).all()


def movements(member_id: UUID, *, limit: int = 50, before: UUID | None = None) -> Sequence[Entry]:
    """A member's entries, the latest booked first; `before` is the id of the last one of the page before."""
    query = select(Entry).where(Entry.member_id == member_id)
    if before is not None:
        query = query.where(Entry.id < before)
    return db.session.scalars(query.order_by(Entry.id.desc()).limit(limit)).all()


PROOF = """
WITH e AS (SELECT member_id, sum(points) AS points FROM entries GROUP BY member_id),
t AS (SELECT lot_id, sum(points) AS points FROM allocations GROUP BY lot_id),
l AS (
  SELECT l.member_id, sum(l.remaining) AS remaining,
         count(*) FILTER (WHERE l.remaining <> l.points + coalesce(t.points, 0)) AS wrong
  FROM lots l LEFT JOIN t ON t.lot_id = l.id GROUP BY l.member_id
)
SELECT a.member_id, a.balance, coalesce(e.points, 0) AS entries, coalesce(l.remaining, 0) AS lots,
       coalesce(l.wrong, 0) AS wrong_lots
FROM point_accounts a LEFT JOIN e ON e.member_id = a.member_id LEFT JOIN l ON l.member_id = a.member_id
WHERE a.balance <> coalesce(e.points, 0) OR a.balance <> coalesce(l.remaining, 0) OR coalesce(l.wrong, 0) > 0
LIMIT :limit
"""


def unproved(*, limit: int = 100) -> Sequence[Row[*tuple[Any, ...]]]:
    """Accounts whose cached balance is not the sum of their entries and of their lots; none if all is well."""
    return db.session.execute(text(PROOF), {"limit": limit}).all()


def programme() -> Programme:
    """The tenant's programme. Raises NotFound before there is one."""
    found = db.session.scalar(select(Programme))
    if found is None:
        raise NotFound
    return found


def rule_versions() -> Sequence[RuleVersion]:
    """All published versions of the earning rule, the one in force first."""
    return db.session.scalars(select(RuleVersion).order_by(RuleVersion.version.desc())).all()
