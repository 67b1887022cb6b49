"""The outbox in PostgreSQL: claim unpublished events, complete receipts, find what was lost.

Every claim is of one tenant, in its scope, with SKIP LOCKED: two relays or two workers never hold the
same row, and a killed process gives its rows back. Nothing here knows the queue or commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, text, update

from config.extensions import db
from tenants.events import Event, Receipt, Subscription
from tenants.ids import new_id
from tenants.scope import current_tenant_id, system_session

_PUBLISH = text(
    """
    WITH taken AS (
      SELECT id, recorded_at FROM events
      WHERE tenant_id = :tenant AND published_at IS NULL ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED
    )
    UPDATE events e SET published_at = now() FROM taken t
    WHERE e.tenant_id = :tenant AND e.id = t.id AND e.recorded_at = t.recorded_at
    RETURNING e.id, e.recorded_at, e.kind
    """
)

# Jumps from tenant to tenant in the partial index, so that one tenant's million events cost one look.
_WAITING = text(
    """
    WITH RECURSIVE waiting AS (
      (SELECT tenant_id FROM events WHERE published_at IS NULL ORDER BY tenant_id LIMIT 1)
      UNION ALL
      SELECT (SELECT e.tenant_id FROM events e WHERE e.published_at IS NULL AND e.tenant_id > w.tenant_id
              ORDER BY e.tenant_id LIMIT 1)
      FROM waiting w WHERE w.tenant_id IS NOT NULL
    )
    SELECT tenant_id FROM waiting WHERE tenant_id IS NOT NULL
    UNION
    SELECT DISTINCT tenant_id FROM receipts WHERE done_at IS NULL AND parked_at IS NULL AND due_at <= now()
    UNION
    SELECT DISTINCT tenant_id FROM tasks WHERE done_at IS NULL AND parked_at IS NULL AND due_at <= now()
    """
)


SUSPECT = 4
"""Hand-overs without an answer after which an event travels alone. Not fewer: Redis may be lost twice in a minute."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events of one tenant on their way to one handler; `id` names the hand-over."""

    id: UUID
    handler: str
    event_ids: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Overdue:
    """A receipt nobody has answered in time."""

    event_id: UUID
    handler: str
    batch: UUID | None
    attempts: int
    error: str | None

    @property
    def goes_alone(self) -> bool:
        """Whether it failed, or was lost so often that it may be what kills the worker of its batch."""
        return self.error is not None or self.attempts >= SUSPECT


def tenants_with_work() -> list[UUID]:
    """All tenants with unpublished events or overdue work. Read as the system role: the relay's slow sweep."""
    with system_session() as session:
        return list(session.scalars(_WAITING))


def open_batches() -> int:
    """How many batches of the tenant in force are on their way."""
    query = select(func.count(Receipt.batch.distinct())).where(
        Receipt.done_at.is_(None), Receipt.parked_at.is_(None), Receipt.due_at > func.now()
    )
    return db.session.scalar(query) or 0


def publish(subscriptions: Iterable[Subscription], *, most: int, lease: float) -> tuple[list[Batch], int]:
    """Claim up to `most` unpublished events and write what each handler owes for them.

    Returns a batch per handler and the number of events. `lease` seconds until unanswered receipts are due.
    """
    rows = db.session.execute(_PUBLISH, {"tenant": current_tenant_id(), "most": most}).all()
    due = datetime.now(UTC) + timedelta(seconds=lease)
    batches, receipts = [], []
    for subscription in subscriptions:
        wanted = sorted((row.id, row.recorded_at) for row in rows if row.kind in subscription.kinds)
        if not wanted:
            continue
        batch = Batch(new_id(), subscription.name, [event_id for event_id, _at in wanted])
        batches.append(batch)
        same = {"handler": batch.handler, "batch": batch.id, "due_at": due, "attempts": 1}
        receipts += [{"event_id": event_id, "event_recorded_at": at, **same} for event_id, at in wanted]
    if receipts:
        db.session.execute(insert(Receipt), receipts)
    return batches, len(rows)


def overdue(most: int) -> list[Overdue]:
    """Lock receipts that are due (again): lost, failed or slow. A batch that is being worked on is not among them."""
    query = (
        select(Receipt.event_id, Receipt.handler, Receipt.batch, Receipt.attempts, Receipt.error)
        .where(Receipt.done_at.is_(None), Receipt.parked_at.is_(None), Receipt.due_at <= func.now())
        .order_by(Receipt.event_id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return [Overdue(*row) for row in db.session.execute(query)]


def postpone(batches: Iterable[UUID], *, lease: float) -> None:
    """Look again later: these batches are alive, waiting in the queue or running."""
    due = func.now() + timedelta(seconds=lease)
    still = (Receipt.batch.in_(list(batches)), Receipt.done_at.is_(None), Receipt.parked_at.is_(None))
    db.session.execute(update(Receipt).where(*still).values(due_at=due))


def hand_again(receipts: Sequence[Overdue], *, lease: float) -> list[Batch]:
    """New batches for overdue receipts: together when they were lost, alone when they failed or are lost for ever."""

    def company(receipt: Overdue) -> tuple[str, str]:
        return receipt.handler, str(receipt.event_id) if receipt.goes_alone else ""

    batches = []
    for (handler, _alone), members in groupby(sorted(receipts, key=company), key=company):
        batch = Batch(new_id(), handler, sorted(receipt.event_id for receipt in members))
        values = {"batch": batch.id, "due_at": func.now() + timedelta(seconds=lease), "attempts": Receipt.attempts + 1}
        db.session.execute(_of(handler, batch.event_ids).values(values))
        batches.append(batch)
    return batches


def park(handler: str, event_ids: Sequence[UUID], *, error: str) -> None:
    """Give up on events for one handler until a person says retry; the health page and a metric show them."""
    values = {"parked_at": func.now(), "error": func.coalesce(Receipt.error, error)}
    db.session.execute(_of(handler, event_ids).values(values))


def claim(handler: str, event_ids: Sequence[UUID]) -> list[Event]:
    """Complete the open receipts among these and return their events, oldest first.

    Part of the handler's transaction: a receipt is done if and only if the handler's effects are. What
    another worker holds or has done is left out.
    """
    free = (
        select(Receipt.event_id)
        .where(Receipt.handler == handler, Receipt.event_id.in_(event_ids))
        .where(Receipt.done_at.is_(None), Receipt.parked_at.is_(None))
        .order_by(Receipt.event_id)
        .with_for_update(skip_locked=True)
    )
    held = list(db.session.scalars(free))
    if not held:
        return []
    done = _of(handler, held).values(done_at=func.now(), error=None).returning(Receipt.event_recorded_at)
    moments = list(db.session.scalars(done))
    # The bounds let PostgreSQL skip the other months' partitions.
    query = select(Event).where(Event.id.in_(held), Event.recorded_at.between(min(moments), max(moments)))
    return list(db.session.scalars(query.order_by(Event.id)))


def fail(handler: str, event_ids: Sequence[UUID], *, error: str, delays: Sequence[float]) -> bool:
    """Note that a batch failed: its events are retried alone, one that fails alone later or, at last, is parked.

    `delays` in seconds before each attempt. Returns whether an event is now parked.
    """
    values: dict[str, Any] = {"error": error[-2000:], "due_at": func.now()}
    parked = False
    if len(event_ids) == 1:
        query = select(Receipt.attempts).where(Receipt.handler == handler, Receipt.event_id == event_ids[0])
        attempts = db.session.scalar(query) or 1
        parked = attempts > len(delays)
        if parked:
            values["parked_at"] = func.now()
        else:
            values["due_at"] = func.now() + timedelta(seconds=delays[attempts - 1])
    db.session.execute(_of(handler, event_ids).values(values))
    return parked


def unpark(handler: str, event_id: UUID) -> bool:
    """Give a parked event new attempts with its handler, due now. Returns whether there was such a one."""
    fresh = {"parked_at": None, "attempts": 0, "error": None, "due_at": func.now()}
    where = (Receipt.handler == handler, Receipt.event_id == event_id, Receipt.parked_at.is_not(None))
    return bool(db.session.execute(update(Receipt).where(*where).values(fresh)).rowcount)  # type: ignore[attr-defined]  # a cursor result


def _of(handler: str, event_ids: Sequence[UUID]) -> Any:
    return update(Receipt).where(
        Receipt.handler == handler, Receipt.event_id.in_(list(event_ids)), Receipt.done_at.is_(None)
    )
