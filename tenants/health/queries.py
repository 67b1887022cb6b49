"""What the health doors ask the servers."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from alembic.script import ScriptDirectory
from redis import RedisError
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from config.extensions import ROOT, db, redis
from tenants.events import Event, Receipt
from tenants.scope import system_session
from tenants.tasks import Task

SHOWN = 100
QUEUE_KEY = "rq:queue:"


def readiness() -> dict[str, bool]:
    """Whether PostgreSQL answers, has the newest migration, and Redis answers."""
    checks = {"postgresql": False, "migrations": False, "redis": False}
    with contextlib.suppress(SQLAlchemyError), db.engines["system"].connect() as connection:
        version = connection.scalar(text("SELECT version_num FROM alembic_version"))
        checks["postgresql"] = True
        checks["migrations"] = version == ScriptDirectory(str(ROOT / "migrations")).get_current_head()
    with contextlib.suppress(RedisError):
        checks["redis"] = bool(redis().ping())
    return checks


@dataclass(frozen=True)
class Backlog:
    """Work of the tenant in force that is on its way. `oldest` is when the oldest waiting event was recorded."""

    unpublished: int
    unanswered: int
    tasks: int
    oldest: datetime | None


def backlog() -> Backlog:
    """What is on its way: events the relay has not seen, events handlers owe an answer to, jobs."""
    unpublished, oldest = db.session.execute(
        select(func.count(), func.min(Event.recorded_at)).where(Event.published_at.is_(None))
    ).one()
    still = (Receipt.done_at.is_(None), Receipt.parked_at.is_(None))
    unanswered = db.session.scalar(select(func.count()).select_from(Receipt).where(*still)) or 0
    owed = (Task.done_at.is_(None), Task.parked_at.is_(None))
    tasks = db.session.scalar(select(func.count()).select_from(Task).where(*owed)) or 0
    return Backlog(unpublished, unanswered, tasks, oldest)


def parked_events() -> Sequence[Any]:
    """Events that were given up for a handler, newest first: event_id, kind, handler, attempts, error, parked_at."""
    same_event = (Event.id == Receipt.event_id) & (Event.recorded_at == Receipt.event_recorded_at)
    columns = (Receipt.event_id, Event.kind, Receipt.handler, Receipt.attempts, Receipt.error, Receipt.parked_at)
    query = select(*columns).join(Event, same_event).where(Receipt.parked_at.is_not(None))
    return db.session.execute(query.order_by(Receipt.parked_at.desc()).limit(SHOWN)).all()


def parked_tasks() -> Sequence[Any]:
    """Jobs that were given up, newest first: id, job, attempts, error, parked_at."""
    query = select(Task.id, Task.job, Task.attempts, Task.error, Task.parked_at).where(Task.parked_at.is_not(None))
    return db.session.execute(query.order_by(Task.parked_at.desc()).limit(SHOWN)).all()


def last_runs() -> Sequence[Any]:
    """Periodic work, one row each: name, and when it last was due, done and failing (None: not now)."""
    name = func.split_part(Task.key, "@", 1).label("name")
    failing = func.max(Task.created_at).filter(Task.done_at.is_(None), Task.error.is_not(None)).label("failing_since")
    query = (
        select(name, func.max(Task.created_at).label("due_at"), func.max(Task.done_at).label("done_at"), failing)
        .where(Task.key.like("%@%"))
        .group_by(name)
        .order_by(name)
    )
    return db.session.execute(query).all()


def queue_depths(names: Sequence[str]) -> dict[str, int]:
    """How many jobs wait in each queue of the installation; empty when Redis does not answer."""
    try:
        with redis().pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.llen(f"{QUEUE_KEY}{name}")
            return dict(zip(names, pipeline.execute(), strict=True))
    except RedisError:
        return {}


def partitions_until() -> date | None:
    """The day up to which monthly partitions of events are ready (exclusive); None when there is none."""
    query = """
    SELECT max(substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \\(''([0-9-]{10})')::date)
    FROM pg_class c WHERE c.relispartition AND c.relname ~ '^events_[0-9]{4}_[0-9]{2}$'
    """
    return db.session.scalar(text(query))


@dataclass(frozen=True)
class Totals:
    """What waits in all tenants together; ages in seconds."""

    unpublished: int
    oldest_seconds: float
    unanswered: int
    parked_events: int
    tasks: int
    parked_tasks: int


def totals() -> Totals:
    """Figures of the whole installation for the metrics, read as the system role."""
    query = """
    SELECT
      (SELECT count(*) FROM (SELECT 1 FROM events WHERE published_at IS NULL LIMIT 100000) e),
      (SELECT coalesce(extract(epoch FROM now() - min(recorded_at)), 0)
         FROM (SELECT recorded_at FROM events WHERE published_at IS NULL LIMIT 100000) e),
      (SELECT count(*) FROM receipts WHERE done_at IS NULL AND parked_at IS NULL),
      (SELECT count(*) FROM receipts WHERE parked_at IS NOT NULL),
      (SELECT count(*) FROM tasks WHERE done_at IS NULL AND parked_at IS NULL),
      (SELECT count(*) FROM tasks WHERE parked_at IS NOT NULL)
    """
    with system_session() as session:
        row = session.execute(text(query)).one()
    return Totals(int(row[0]), float(row[1]), *(int(value) for value in row[2:]))
