"""Tells sign-in who the members are. Listed in app.JOBS, so that it is imported once."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from config.extensions import db
from loyalty.members.models import Member
from tenants.accounts import people

STRANGERS = ("blocked", "left", "withdrawn")


def member_subject(member_id: UUID) -> people.Subject | None:
    """The member as sign-in sees them, None for one who may not come in."""
    member = db.session.scalar(select(Member).where(Member.id == member_id, Member.status.not_in(STRANGERS)))
    return people.Subject(member.id, member.name or member.number, member.locale) if member else None


people.register("member", member_subject)
