"""Verbs of tiers: count spend, do a day, take the walk again for members with back-dated facts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import func, insert, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from config.extensions import db
from loyalty.days import start_of_day
from loyalty.points.ledger import lock_accounts
from loyalty.points.models import PointAccount, Programme
from loyalty.points.queries import terms
from loyalty.tiers.models import SpendDay, TierChange
from loyalty.tiers.queries import changes_of, facts_of, stale_members
from loyalty.tiers.rules import Change, Policy, Walk, walk
from tenants.events import Fact, current_actor_ref, record_many
from tenants.info import tenant_info
from tenants.scope import current_tenant_id


@dataclass(frozen=True)
class TierChanged(Fact):
    """A member moved between ranks on a day. `direction` is "up" or "down"."""

    kind: ClassVar[str] = "tier.changed"
    member_id: UUID
    from_rank: int
    to_rank: int
    on_day: date
    direction: str


@dataclass(frozen=True)
class DayRun:
    """What one day's step looked at and moved."""

    evaluated: int
    changed: int


def count_spend(spend: Mapping[tuple[UUID, date, date], int], accounts: Mapping[UUID, PointAccount]) -> None:
    """Count spend by (member, day, counted_on), in minor units, for accounts this transaction has locked.

    A fact that is not later than what is known, or beyond a review still to be done, makes the
    member's tier stale from its day; the walk is taken again by a job.
    """
    rows: list[dict[str, Any]] = [
        {"member_id": member, "day": day, "counted_on": counted, "amount_minor": amount}
        for (member, day, counted), amount in sorted(spend.items())
        if amount
    ]
    if not rows:
        return
    statement = upsert(SpendDay)
    total = SpendDay.amount_minor + statement.excluded.amount_minor
    keys = ["tenant_id", "member_id", "day", "counted_on"]
    db.session.execute(statement.on_conflict_do_update(index_elements=keys, set_={"amount_minor": total}), rows)
    for row in rows:
        account, counted = accounts[row["member_id"]], row["counted_on"]
        early = account.last_fact_on is not None and counted <= account.last_fact_on
        late = account.review_on is not None and counted > account.review_on
        if early or late or account.tier_stale_from:
            account.tier_stale_from = min(filter(None, (account.tier_stale_from, counted)))
        account.last_fact_on = max(filter(None, (account.last_fact_on, counted)))
    db.session.flush()  # later statements of this transaction read the accounts


def step(day: date, *, everybody: bool = False) -> DayRun:
    """One day of the tier job as one set-based statement: what the day earned, and reviews due by it.

    `everybody` is the weekly audit, which must find nothing. Members with back-dated facts are left
    to `rewalk`. Runs after the day is over.
    """
    statement = text("SELECT evaluated, changed FROM tier_step(CAST(:tenant AS uuid), :day, :everybody, :actor)")
    values = {"tenant": str(current_tenant_id()), "day": day, "everybody": everybody, "actor": current_actor_ref()}
    row = db.session.execute(statement, values).one()
    db.session.info["recorded"] = True  # the function wrote events, so the relay gets its hint
    return DayRun(row.evaluated, row.changed)


def run_day(today: date) -> DayRun:
    """The nightly run of a tenant: finish yesterday. Reviews that earlier nights missed go to the walk."""
    yesterday = today - timedelta(days=1)
    missed = update(PointAccount).where(PointAccount.review_on < yesterday, PointAccount.tier_stale_from.is_(None))
    db.session.execute(missed.values(tier_stale_from=PointAccount.review_on))
    done = step(yesterday)
    db.session.execute(update(Programme).values(tiers_run_on=yesterday))
    return done


def rewalk_stale(
    *,
    today: date,
    limit: int = 500,
    after: UUID | None = None,
    among: Collection[UUID] | None = None,
    now: datetime | None = None,
) -> UUID | None:
    """Take the walk again for up to `limit` stale members; the last one done, None when all are."""
    members = stale_members(limit=limit, after=after, among=among)
    rewalk(members, today=today, now=now)
    return members[-1] if len(members) == limit else None


def rewalk(member_ids: Sequence[UUID], *, today: date, now: datetime | None = None) -> int:
    """Walk these members from their beginning, supersede what no longer holds; how many moves are new."""
    known = terms()
    if not member_ids or known is None:
        return 0
    accounts = lock_accounts(member_ids)
    facts, recorded = facts_of(member_ids), changes_of(member_ids)
    found: list[tuple[UUID, Change]] = []
    superseded: list[UUID] = []
    moves: list[tuple[UUID, Change]] = []
    for member_id, account in accounts.items():
        done = walk(facts[member_id], known.policy, until=today, day_over=False)
        rows, gone, moved = _compare(done, recorded[member_id])
        found += [(member_id, change) for change in rows]
        moves += [(member_id, change) for change in moved]
        superseded += gone
        standing = done.standing
        account.tier_rank, account.tier_since = standing.rank, standing.since
        account.review_on, account.tier_stale_from = standing.review_on, None
    db.session.flush()  # the history below refers to the standing of the accounts
    _write(found, superseded, known.policy)
    _tell(moves, now=now or datetime.now(UTC))
    return len(found)


def _compare(done: Walk, recorded: Sequence[TierChange]) -> tuple[list[Change], list[UUID], list[Change]]:
    """Day by day: changes to write, recorded ones to supersede, and those that are news to the member."""
    by_day: dict[date, list[TierChange]] = defaultdict(list)
    for row in recorded:
        by_day[row.on_day].append(row)
    write: list[Change] = []
    news: list[Change] = []
    for change in done.changes:
        old = by_day.pop(change.on_day, [])
        same_move = bool(old) and (old[0].from_rank, old[-1].to_rank) == (change.from_rank, change.to_rank)
        if same_move and len(old) == 1 and old[0].evidence == change.evidence.as_json():
            continue
        write.append(change)
        by_day[change.on_day] = old
        if not same_move:
            news.append(change)
    return write, [row.id for rows in by_day.values() for row in rows], news


def _write(found: Sequence[tuple[UUID, Change]], superseded: Collection[UUID], policy: Policy) -> None:
    if superseded:
        old = update(TierChange).where(TierChange.id.in_(superseded)).values(superseded_at=func.now())
        db.session.execute(old.execution_options(synchronize_session=False))
    rows: list[dict[str, Any]] = [
        {
            "member_id": member_id,
            "on_day": change.on_day,
            "from_rank": change.from_rank,
            "to_rank": change.to_rank,
            "reason": change.reason,
            "evidence": change.evidence.as_json(),
            "policy_version": policy.version,
        }
        for member_id, change in found
    ]
    if rows:
        db.session.execute(insert(TierChange), rows)


def _tell(moves: Sequence[tuple[UUID, Change]], *, now: datetime) -> None:
    zone = tenant_info().tz
    facts = []
    for member_id, change in moves:
        direction = "up" if change.to_rank > change.from_rank else "down"
        fact = TierChanged(member_id, change.from_rank, change.to_rank, change.on_day, direction)
        facts.append((fact, min(now, start_of_day(change.on_day + timedelta(days=1), zone))))
    record_many(facts)
