"""What a member is shown of themselves: card, points, tier. The admin's member page shows the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from flask_babel import get_locale
from sqlalchemy import func, select

from config.extensions import db
from loyalty.members.models import Card, Member
from loyalty.points.models import Lot, PointAccount, Programme, RuleVersion
from loyalty.tiers import rules
from loyalty.tiers.models import SpendDay, TierChange, TierLevel, TierPolicy
from tenants.errors import NotFound


@dataclass(frozen=True)
class Face:
    """A member as the faces show them. `spendable` leaves out what has lapsed but is not posted yet."""

    id: UUID
    number: str
    name: str
    card_number: str
    status: str
    birthday: date | None
    locale: str | None
    joined_at: datetime
    balance: int
    spendable: int
    debt: int
    standing: rules.Standing


@dataclass(frozen=True)
class Lapse:
    """How many points are valid to the end of `day`; `day` is None for those that never lapse."""

    day: date | None
    points: int


@dataclass(frozen=True)
class Level:
    """A tier of the ladder in the reader's language. `from_minor` in minor units, inclusive."""

    rank: int
    name: str
    from_minor: int
    colour: str


@dataclass(frozen=True)
class Ladder:
    """The published tier policy with its levels."""

    policy: rules.Policy
    levels: tuple[Level, ...]

    def name(self, rank: int) -> str:
        """The name of a rank; a rank of an older policy that is gone is said as its number."""
        return self.levels[rank].name if rank < len(self.levels) else str(rank)


@dataclass(frozen=True)
class TierView:
    """Where a member stands, what is missing and until when. Money in minor units."""

    rank: int
    name: str
    colour: str
    since: date | None
    review_on: date | None
    spend_minor: int
    window_months: int
    review_months: int
    next_name: str | None
    next_minor: int
    missing_minor: int
    count_until: date | None
    needed_at_review_minor: int

    @property
    def meter_max(self) -> int:
        """The right end of the bar."""
        return self.next_minor or max(self.spend_minor, 1)

    @property
    def meter_value(self) -> int:
        """How far the bar is filled."""
        return min(max(self.spend_minor, 0), self.meter_max)

    @property
    def keep_sentence_due(self) -> bool:
        """Whether there is a review to speak of."""
        return self.rank > 0 and self.review_on is not None


@dataclass(frozen=True)
class Move:
    """One change of tier, as recorded, with its proof."""

    on_day: date
    from_name: str
    to_name: str
    up: bool
    reason: str
    evidence: Mapping[str, Any]


def face(member_id: UUID, *, now: datetime) -> Face:
    """A member with card and points as of `now`, in one statement. Raises NotFound."""
    lapsed = (
        select(func.coalesce(func.sum(Lot.remaining), 0))
        .where(Lot.member_id == Member.id, Lot.remaining > 0, Lot.lapses_at <= now)
        .correlate(Member)
        .scalar_subquery()
    )
    statement = (
        select(Member, Card.number, PointAccount, lapsed)
        .outerjoin(Card, (Card.member_id == Member.id) & (Card.status == "active"))
        .outerjoin(PointAccount, PointAccount.member_id == Member.id)
        .where(Member.id == member_id)
    )
    row = db.session.execute(statement).one_or_none()
    if row is None:
        raise NotFound
    member, card_number, account, gone = row
    balance = account.balance if account else 0
    return Face(
        id=member.id,
        number=member.number,
        name=member.name,
        card_number=card_number or member.number,
        status=member.status,
        birthday=member.birthday,
        locale=member.locale,
        joined_at=member.joined_at,
        balance=balance,
        spendable=balance - int(gone),
        debt=account.debt if account else 0,
        standing=rules.Standing(account.tier_rank, account.tier_since, account.review_on)
        if account
        else rules.Standing(),
    )


def lapses(member_id: UUID, *, now: datetime) -> Sequence[Lapse]:
    """What is left by last valid day, the first to lapse first, what never lapses last."""
    rows = db.session.execute(
        select(Lot.last_day, func.sum(Lot.remaining).label("points"))
        .where(Lot.member_id == member_id, Lot.remaining > 0, (Lot.lapses_at.is_(None)) | (Lot.lapses_at > now))
        .group_by(Lot.last_day)
        .order_by(Lot.last_day.nulls_last())
    )
    return [Lapse(row.last_day, int(row.points)) for row in rows]


def level_name(names: Mapping[str, str], key: str) -> str:
    """A level's name in the reader's language, else in English, else its key."""
    return names.get(str(get_locale() or "en")) or names.get("en") or next(iter(names.values()), key)


def ladder() -> Ladder:
    """The published policy and its levels. Raises NotFound before a programme is set up."""
    rows = db.session.execute(
        select(TierPolicy, TierLevel)
        .join(Programme, Programme.tier_policy_version == TierPolicy.version)
        .join(TierLevel, TierLevel.policy_id == TierPolicy.id)
        .order_by(TierLevel.rank)
    ).all()
    if not rows:
        raise NotFound
    policy = rows[0][0]
    levels = tuple(
        Level(level.rank, level_name(level.name, level.key), level.from_minor, level.colour) for _p, level in rows
    )
    return Ladder(
        rules.Policy(
            tuple(level.from_minor for level in levels),
            window_months=policy.window_months,
            review_months=policy.review_months,
            version=policy.version,
        ),
        levels,
    )


def ladder_or_none() -> Ladder | None:
    """The ladder, None before there is a programme."""
    try:
        return ladder()
    except NotFound:
        return None


def spend_facts(member_id: UUID) -> Sequence[rules.SpendFact]:
    """Everything that ever counted towards this member's tier, by day."""
    rows = db.session.execute(
        select(SpendDay.day, SpendDay.counted_on, SpendDay.amount_minor)
        .where(SpendDay.member_id == member_id)
        .order_by(SpendDay.day)
    )
    return [rules.SpendFact(row.day, row.counted_on, row.amount_minor) for row in rows]


def tier_view(standing: rules.Standing, *, ladder: Ladder, facts: Sequence[rules.SpendFact], today: date) -> TierView:
    """Where a member stands on `today`, from the recorded standing and what counts. Pure."""
    progress = rules.progress(facts, ladder.policy, day=today, standing=standing)
    upper = ladder.levels[progress.next_rank] if progress.next_rank is not None else None
    here = ladder.levels[min(standing.rank, len(ladder.levels) - 1)]
    return TierView(
        rank=standing.rank,
        name=here.name,
        colour=here.colour,
        since=standing.since,
        review_on=standing.review_on,
        spend_minor=progress.spend_minor,
        window_months=ladder.policy.window_months,
        review_months=ladder.policy.review_months,
        next_name=upper.name if upper else None,
        next_minor=upper.from_minor if upper else 0,
        missing_minor=progress.missing_minor,
        count_until=progress.count_until,
        needed_at_review_minor=progress.needed_at_review_minor,
    )


def moves(member_id: UUID, *, ladder: Ladder) -> Sequence[Move]:
    """The changes of a member's tier that stand, the newest first."""
    rows = db.session.scalars(
        select(TierChange)
        .where(TierChange.member_id == member_id, TierChange.superseded_at.is_(None))
        .order_by(TierChange.on_day.desc(), TierChange.id.desc())
        .limit(100)
    )
    return [
        Move(
            on_day=row.on_day,
            from_name=ladder.name(row.from_rank),
            to_name=ladder.name(row.to_rank),
            up=row.to_rank > row.from_rank,
            reason=row.reason,
            evidence=row.evidence,
        )
        for row in rows
    ]


def rule_document() -> Mapping[str, Any]:
    """The earning rule in force. Raises NotFound before a programme is set up."""
    found = db.session.scalar(
        select(RuleVersion.document).join(Programme, Programme.rule_version == RuleVersion.version)
    )
    if found is None:
        raise NotFound
    return found
