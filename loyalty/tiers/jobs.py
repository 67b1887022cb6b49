"""Doors of the clock: the nightly tier run, and the walk after facts came out of order."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from loyalty.tiers.services import rewalk_stale, run_day
from tenants.events import Event, handles
from tenants.formats import local_day
from tenants.jobs import continue_with, periodic, tenant_job

CHUNK = 500


@periodic(cron="15 2 * * *", name="tiers")
def nightly(tenant_id: UUID, day: date) -> None:
    """Finish yesterday: upgrades, reviews due, and then whoever has back-dated facts."""
    run_day(day)
    walk_stale(tenant_id)


@tenant_job(queue="bulk")
def walk_stale(tenant_id: UUID, after: str | None = None) -> None:
    """Take the walk again for all stale members, some hundred to a commit."""
    last = rewalk_stale(today=local_day(), limit=CHUNK, after=UUID(after) if after else None)
    if last is not None:
        continue_with(walk_stale, tenant_id, str(last))


@handles("purchase.recorded", "refund.recorded", name="loyalty.tiers.walk")
def on_facts(events: list[Event]) -> None:
    """Members whose facts came out of date order are walked soon, not only at night."""
    members = {UUID(e.payload["member_id"]) for e in events if e.payload.get("member_id")}
    if members:
        rewalk_stale(today=local_day(), limit=len(members), among=members)


@handles("purchases.withdrawn", name="loyalty.tiers.walk_after_undo")
def on_withdrawn(events: list[Event]) -> None:
    """After an import was undone its members stand where they would without it."""
    continue_with(walk_stale, events[0].tenant_id)
