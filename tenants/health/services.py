"""Verbs of the health page: try parked work again, forget work done long ago."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func

from config.extensions import db
from tenants import outbox, tasks
from tenants.errors import NotFound
from tenants.events import Receipt
from tenants.tasks import Task


def retry_event(*, handler: str, event_id: UUID) -> None:
    """Hand a parked event to its handler again. Raises NotFound when it is not parked."""
    if not outbox.unpark(handler, event_id):
        raise NotFound


def retry_task(task_id: UUID) -> None:
    """Run a parked task again. Raises NotFound when it is not parked."""
    if not tasks.unpark(task_id):
        raise NotFound


def forget_done_work(*, older_than_days: int) -> None:
    """Delete receipts and tasks of the tenant in force that were done more than so many days ago."""
    before = func.now() - timedelta(days=older_than_days)
    for table in (Receipt, Task):
        db.session.execute(delete(table).where(table.done_at < before))
