"""When messages are sent: right after the commit that queued them, when a retry is due, and by a sweep."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

from tenants.delivery import sender
from tenants.events import Event, handles
from tenants.jobs import periodic, tenant_job
from tenants.scope import current_tenant_id

SECONDS_AT_A_TIME = 45.0  # then other tenants have their turn
BUCKET = 15  # retries of a tenant that fall into the same so many seconds share one job


@tenant_job(queue="high", timeout=300)
def send_urgent(tenant_id: UUID) -> None:
    """Send the codes and links that somebody waits for."""
    _send(tenant_id, urgent=True)


@tenant_job(queue="default", timeout=300)
def send_due(tenant_id: UUID) -> None:
    """Send what is due."""
    _send(tenant_id, urgent=False)


@periodic("11 * * * *", name="delivery.sweep")
def sweep(tenant_id: UUID) -> None:
    """Find what a lost job left behind. Nothing should be found."""
    _send(tenant_id, urgent=False)


@handles("messages.queued", name="delivery.send", queue="high")
def on_queued(events: list[Event]) -> None:
    """Start the jobs; the sending commits as it goes, so it has a task of its own."""
    tenant_id = current_tenant_id()
    if any(event.payload["urgent"] for event in events):
        send_urgent.enqueue(tenant_id)
    if not all(event.payload["urgent"] for event in events):
        send_due.enqueue(tenant_id)


def _send(tenant_id: UUID, *, urgent: bool) -> None:
    started = time.monotonic()
    batch = sender.send_batch(urgent=urgent)
    while batch.taken == sender.BATCH and not batch.down and time.monotonic() - started < SECONDS_AT_A_TIME:
        batch = sender.send_batch(urgent=urgent)
    if batch.taken == sender.BATCH and not batch.down:
        send_due.enqueue(tenant_id)
    else:
        _wake_later(tenant_id)


def _wake_later(tenant_id: UUID) -> None:
    """Owe a job for when the next message wants attention: a retry, or a claim that a killed job left."""
    at = sender.next_due()
    if at is None:
        return
    now = datetime.now(UTC)
    at = max(at, now + timedelta(seconds=BUCKET))
    bucket = int(at.timestamp()) // BUCKET + 1
    delay = bucket * BUCKET - now.timestamp()
    send_due.enqueue(tenant_id, job_id=f"delivery-{bucket}", delay=delay)
