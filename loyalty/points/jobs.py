"""Doors of the clock: lapses are posted, the ledger is proved, old request keys are forgotten."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from loyalty.points.services import forget_keys, post_lapses, prove_ledger
from tenants.formats import start_of_day
from tenants.jobs import continue_with, periodic, tenant_job

CHUNK = 5000
KEYS_KEPT = timedelta(days=30)


@periodic(cron="20 0 * * *", name="lapses")
def nightly_lapses(tenant_id: UUID, day: date) -> None:
    """Post what lapsed until this day began."""
    lapses_until(tenant_id, start_of_day(day).isoformat())


@tenant_job(queue="bulk")
def lapses_until(tenant_id: UUID, instant: str) -> None:
    """Post lapses up to an instant, some thousand lots to a commit."""
    if post_lapses(as_of=datetime.fromisoformat(instant), limit=CHUNK):
        continue_with(lapses_until, tenant_id, instant)


@periodic(cron="40 3 * * *", name="proof")
def nightly_proof(_tenant_id: UUID) -> None:
    """Compare every balance with the ledger; the health page shows the result."""
    now = datetime.now(UTC)
    prove_ledger(now=now)
    forget_keys(before=now - KEYS_KEPT)
