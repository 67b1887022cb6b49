"""Tells sign-in who the partner users are. Listed in app.JOBS, so that it is imported once."""

from __future__ import annotations

from uuid import UUID

from channels.partners import queries
from tenants.accounts import people


def partner_subject(user_id: UUID) -> people.Subject | None:
    """The partner user as sign-in sees them, None for one who may not come in."""
    user = queries.active_user(user_id)
    return people.Subject(user.id, user.name, user.locale, user.partner_id) if user else None


def find_partner_users(channel: str, value: str) -> list[UUID]:
    """Partner users with this e-mail address; they have no phone sign-in."""
    user = queries.user_to_sign_in(value) if channel == "email" else None
    return [user.id] if user else []


people.register("partner", partner_subject, find=find_partner_users)
