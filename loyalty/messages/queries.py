"""What messages say of members, for some hundred members in a handful of statements."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select

from config.extensions import db
from loyalty.members.models import Member
from loyalty.points.models import PointAccount
from loyalty.tiers.queries import changes_of


@dataclass(frozen=True, slots=True)
class Recipient:
    """A member in good standing, as a message needs them."""

    name: str
    number: str
    locale: str | None
    points: int
    rank: int
    review_on: date | None


def recipients(member_ids: Collection[UUID]) -> Mapping[UUID, Recipient]:
    """Active members by id; who left, is blocked or was withdrawn is not among them."""
    wanted = (
        select(
            Member.id,
            Member.name,
            Member.number,
            Member.locale,
            PointAccount.balance,
            PointAccount.tier_rank,
            PointAccount.review_on,
        )
        .outerjoin(PointAccount, PointAccount.member_id == Member.id)
        .where(Member.id.in_(list(member_ids)), Member.status == "active")
    )
    return {
        ident: Recipient(name, number, locale, balance or 0, rank or 0, review_on)
        for ident, name, number, locale, balance, rank, review_on in db.session.execute(wanted)
    }


def evidence(member_ids: Collection[UUID]) -> Mapping[tuple[UUID, int], Mapping[str, Any]]:
    """The evidence of each member's latest move to a rank, by (member, rank)."""
    return {
        (member, change.to_rank): change.evidence
        for member, changes in changes_of(member_ids).items()
        for change in changes
    }
