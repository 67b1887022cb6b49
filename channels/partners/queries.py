"""Nouns: partners, their people, their notices. Inside a partner's scope these find own rows only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select

from channels.partners.models import (
    Partner,
    PartnerNotice,
    PartnerTermsInternal,
    PartnerUser,
)
from config.extensions import db
from tenants.errors import NotFound
from tenants.scope import current_partner_id


def partner(partner_id: UUID) -> Partner:
    """One partner. Raises NotFound."""
    found = db.session.scalar(select(Partner).where(Partner.id == partner_id))
    if found is None:
        raise NotFound
    return found


def own_partner() -> Partner:
    """The partner whose scope is in force. Raises NotFound outside one."""
    mine = current_partner_id()
    if mine is None:
        raise NotFound
    return partner(mine)


def partners() -> Select[Any]:
    """All partners with the number of people who may sign in, for the list."""
    people = (
        select(func.count())
        .select_from(PartnerUser)
        .where(
            PartnerUser.partner_id == Partner.id,
            PartnerUser.status == "active",
        )
        .correlate(Partner)
        .scalar_subquery()
    )
    return select(
        Partner.id,
        Partner.number,
        Partner.name,
        Partner.country,
        Partner.status,
        Partner.territory,
        Partner.since,
        people.label("people"),
    )


def find_partners(statement: Select[Any], text: str) -> Select[Any]:
    """Narrow to partners whose number, name or territory holds the text."""
    words = text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    like = f"%{words}%"
    return statement.where(
        or_(
            Partner.number.ilike(like),
            Partner.name.ilike(like),
            Partner.territory.ilike(like),
        )
    )


def choices() -> Sequence[tuple[UUID, str]]:
    """Active partners as (id, name), for a select box."""
    rows = db.session.execute(select(Partner.id, Partner.name).where(Partner.status != "ended").order_by(Partner.name))
    return [(row.id, row.name) for row in rows]


def user(user_id: UUID) -> PartnerUser:
    """One person of a partner. Raises NotFound."""
    found = db.session.scalar(select(PartnerUser).where(PartnerUser.id == user_id))
    if found is None:
        raise NotFound
    return found


def users_of(partner_id: UUID) -> Sequence[PartnerUser]:
    """The people of a partner by name, those without access last."""
    statement = select(PartnerUser).where(PartnerUser.partner_id == partner_id)
    return db.session.scalars(statement.order_by(PartnerUser.status, PartnerUser.name)).all()


def user_to_sign_in(email: str) -> PartnerUser | None:
    """The person who may sign in with an address, None when there is none or the partner has ended."""
    statement = (
        select(PartnerUser)
        .join(Partner, Partner.id == PartnerUser.partner_id)
        .where(
            PartnerUser.email == email.strip().lower(),
            PartnerUser.status == "active",
            Partner.status != "ended",
        )
    )
    return db.session.scalar(statement)


def active_user(user_id: UUID) -> PartnerUser | None:
    """A person who may still sign in, by id: asked on every request of theirs."""
    statement = (
        select(PartnerUser)
        .join(Partner, Partner.id == PartnerUser.partner_id)
        .where(
            PartnerUser.id == user_id,
            PartnerUser.status == "active",
            Partner.status != "ended",
        )
    )
    return db.session.scalar(statement)


def notice(notice_id: UUID) -> PartnerNotice:
    """One notice. Raises NotFound."""
    found = db.session.scalar(select(PartnerNotice).where(PartnerNotice.id == notice_id))
    if found is None:
        raise NotFound
    return found


def notices() -> Select[Any]:
    """All notices with the name of the partner they are for, for the list of the brand's staff."""
    columns: tuple[Any, ...] = (
        PartnerNotice.id,
        PartnerNotice.title,
        PartnerNotice.body,
        PartnerNotice.published_at,
        PartnerNotice.withdrawn_at,
        PartnerNotice.partner_id,
        Partner.name.label("partner_name"),
    )
    return select(*columns).outerjoin(Partner, Partner.id == PartnerNotice.partner_id)


def notices_for(partner_id: UUID, *, limit: int = 50) -> Sequence[PartnerNotice]:
    """What a partner is told now: its own notices and those for all, the newest first."""
    statement = select(PartnerNotice).where(
        PartnerNotice.withdrawn_at.is_(None),
        or_(PartnerNotice.partner_id.is_(None), PartnerNotice.partner_id == partner_id),
    )
    return db.session.scalars(statement.order_by(PartnerNotice.published_at.desc()).limit(limit)).all()


def internal_terms(partner_id: UUID) -> PartnerTermsInternal | None:
    """What only the brand knows of a partner; inside a partner's scope there is never any."""
    return db.session.scalar(select(PartnerTermsInternal).where(PartnerTermsInternal.partner_id == partner_id))


def counts() -> tuple[int, int, int]:
    """Active partners, people who may sign in, notices shown: in one statement."""
    row = db.session.execute(
        select(
            select(func.count()).where(Partner.status == "active").scalar_subquery(),
            select(func.count()).where(PartnerUser.status == "active").scalar_subquery(),
            select(func.count()).where(PartnerNotice.withdrawn_at.is_(None)).scalar_subquery(),
        )
    ).one()
    return row[0], row[1], row[2]
