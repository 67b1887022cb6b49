"""Who the members are: found by number, card or name, and one member's page in few reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, or_, select

from config.extensions import db
from loyalty.members.models import Card, Member
from loyalty.points.models import PointAccount
from tenants.errors import NotFound

LIVE = Member.status != "withdrawn"


def member(member_id: UUID) -> Member:
    """The member with this id. Raises NotFound, also for another tenant's."""
    found = db.session.scalars(select(Member).where(Member.id == member_id, LIVE)).one_or_none()
    if found is None:
        raise NotFound
    return found


def member_by(number_or_card: str) -> Member:
    """The member with this customer number or active card. Raises NotFound("unknown_member")."""
    owner = select(Card.member_id).where(Card.number == number_or_card, Card.status == "active").scalar_subquery()
    query = select(Member).where(or_(Member.number == number_or_card, Member.id == owner), LIVE)
    found = db.session.scalars(query.order_by((Member.number == number_or_card).desc()).limit(1)).one_or_none()
    if found is None:
        raise NotFound(code="unknown_member")
    return found


def card_of(member_id: UUID) -> Card | None:
    """The member's active card."""
    query = select(Card).where(Card.member_id == member_id, Card.status == "active")
    return db.session.scalars(query).one_or_none()


def members_select() -> Select[*tuple[Any, ...]]:
    """Members with account and card, one row each: what lists, the API and exports page through."""
    return (
        select(
            Member.id,
            Member.number,
            Member.name,
            Member.sort_key,
            Member.birthday,
            Member.locale,
            Member.status,
            Member.joined_at,
            func.coalesce(PointAccount.balance, 0).label("balance"),
            func.coalesce(PointAccount.tier_rank, 0).label("tier_rank"),
            PointAccount.tier_since,
            PointAccount.review_on,
            Card.number.label("card_number"),
        )
        .outerjoin(PointAccount, PointAccount.member_id == Member.id)
        .outerjoin(Card, (Card.member_id == Member.id) & (Card.status == "active"))
        .where(LIVE)
    )


def member_row(member_id: UUID) -> Row[*tuple[Any, ...]]:
    """One member as `members_select` has it. Raises NotFound."""
    found = db.session.execute(members_select().where(Member.id == member_id)).one_or_none()
    if found is None:
        raise NotFound
    return found


def search(prefix: str, *, limit: int = 20) -> Sequence[Row[*tuple[Any, ...]]]:
    """Members whose number, card or name (pinyin too) begins with what was typed, best match first.

    Ranges on text, because under row-level security LIKE is no index condition.
    """
    typed = " ".join(prefix.split())
    low = typed.lower()
    matches = or_(
        Member.number.between(typed, typed + "\uffff"),
        Card.number == typed.replace(" ", ""),
        Member.sort_key.between(low, low + "\uffff"),
    )
    query = members_select().where(matches).order_by(Member.sort_key, Member.id).limit(limit)
    return db.session.execute(query).all()


def members_page(*, after: UUID | None = None, limit: int = 50) -> Sequence[Row[*tuple[Any, ...]]]:
    """A page of members in order of creation; `after` is the last id of the page before."""
    query = members_select()
    if after is not None:
        query = query.where(Member.id > after)
    return db.session.execute(query.order_by(Member.id).limit(limit)).all()


def count_members() -> int:
    """Members of the tenant, withdrawn ones not counted."""
    return db.session.scalar(select(func.count()).select_from(Member).where(LIVE)) or 0


def member_or_none(member_id: UUID | None) -> Member | None:
    """The member with this id whatever their status; None for nobody, such as a sale to somebody unknown."""
    return db.session.scalar(select(Member).where(Member.id == member_id)) if member_id else None
