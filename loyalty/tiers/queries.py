"""Tiers as they are shown: the ladder, a member's history, facts, and how far the next rung is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select

from config.extensions import db
from loyalty.points.models import PointAccount, Programme
from loyalty.points.queries import Terms
from loyalty.tiers.models import SpendDay, TierChange, TierLevel, TierPolicy
from loyalty.tiers.rules import Policy, Progress, SpendFact, Standing, Walk, progress, walk


def ladder() -> Sequence[TierLevel]:
    """The rungs of the published policy, lowest first; none before the programme is founded."""
    query = (
        select(TierLevel)
        .join(TierPolicy, TierPolicy.id == TierLevel.policy_id)
        .join(Programme, Programme.tier_policy_version == TierPolicy.version)
        .order_by(TierLevel.rank)
    )
    return db.session.scalars(query).all()


def facts_of(member_ids: Collection[UUID]) -> dict[UUID, list[SpendFact]]:
    """All spend of members that counts for tiers."""
    facts: dict[UUID, list[SpendFact]] = defaultdict(list)
    query = select(SpendDay.member_id, SpendDay.day, SpendDay.counted_on, SpendDay.amount_minor)
    for member_id, day, counted_on, amount in db.session.execute(query.where(SpendDay.member_id.in_(member_ids))):
        facts[member_id].append(SpendFact(day, counted_on, amount))
    return facts


def changes_of(member_ids: Collection[UUID]) -> dict[UUID, list[TierChange]]:
    """The tier history of members that holds, oldest first; superseded moves are left out."""
    found: dict[UUID, list[TierChange]] = defaultdict(list)
    query = (
        select(TierChange)
        .where(TierChange.member_id.in_(member_ids), TierChange.superseded_at.is_(None))
        .order_by(TierChange.on_day, TierChange.id)
    )
    for change in db.session.scalars(query):
        found[change.member_id].append(change)
    return found


def standing_of(member_id: UUID) -> Standing:
    """A member's standing as the account has it."""
    account = db.session.scalars(select(PointAccount).where(PointAccount.member_id == member_id)).one_or_none()
    return Standing(account.tier_rank, account.tier_since, account.review_on) if account else Standing()


@dataclass(frozen=True)
class Position:
    """Where a member stands on the ladder: the rung, the next one, and the progress between them."""

    level: TierLevel
    next_level: TierLevel | None
    progress: Progress


def position(member_id: UUID, *, terms: Terms, day: date) -> Position | None:
    """A member's rung and what is missing to the next one, on a day; None before there is a ladder."""
    levels = {level.rank: level for level in ladder()}
    if not levels:
        return None
    standing = standing_of(member_id)
    found = progress(facts_of([member_id])[member_id], terms.policy, day=day, standing=standing)
    return Position(levels[standing.rank], levels.get(found.next_rank or -1), found)


def history_until(member_id: UUID, *, policy: Policy, day: date) -> Walk:
    """Which tier on a day, and why: the walk over what is known now."""
    return walk(facts_of([member_id])[member_id], policy, until=day)


def stale_members(*, limit: int, after: UUID | None = None, among: Collection[UUID] | None = None) -> Sequence[UUID]:
    """Members whose facts came out of date order, in order of id."""
    query = select(PointAccount.member_id).where(PointAccount.tier_stale_from.is_not(None))
    if after is not None:
        query = query.where(PointAccount.member_id > after)
    if among is not None:
        query = query.where(PointAccount.member_id.in_(among))
    return db.session.scalars(query.order_by(PointAccount.member_id).limit(limit)).all()


def members_by_rank() -> Sequence[Row[*tuple[Any, ...]]]:
    """How many members stand on each rung: rows (tier_rank, members)."""
    query = select(PointAccount.tier_rank, func.count().label("members")).group_by(PointAccount.tier_rank)
    return db.session.execute(query.order_by(PointAccount.tier_rank)).all()


def stale_count() -> int:
    """How many members wait for their walk to be taken again."""
    query = select(func.count()).select_from(PointAccount).where(PointAccount.tier_stale_from.is_not(None))
    return db.session.scalar(query) or 0
