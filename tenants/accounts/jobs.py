"""Housekeeping of sign-in: what is over and told by the events anyway is forgotten."""

from __future__ import annotations

from uuid import UUID

from tenants.accounts.services import forget_what_is_over
from tenants.jobs import periodic


@periodic("10 4 * * *", name="accounts.tidy", queue="bulk")
def tidy(_tenant_id: UUID) -> None:
    """Forget used codes, links and invitations, and sessions that ended a month ago."""
    forget_what_is_over()
