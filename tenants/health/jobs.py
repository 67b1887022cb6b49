"""Housekeeping that every tenant has."""

from __future__ import annotations

from uuid import UUID

from tenants.health.services import forget_done_work
from tenants.jobs import periodic

KEPT_DAYS = 35


@periodic("40 3 * * *", name="kernel.tidy", queue="bulk")
def tidy(_tenant_id: UUID) -> None:
    """Forget receipts and tasks that were done long ago; the events themselves stay."""
    forget_done_work(older_than_days=KEPT_DAYS)
