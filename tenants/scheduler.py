"""The scheduler: once a minute, owe each tenant the periodic work whose time has come in its zone.

    python -m tenants.scheduler

RQ's cron puts a tick into the queue; a worker runs it. What was owed already is found by its key
(name and time), a unique row per tenant, so a second scheduler or a repeated tick changes nothing.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from croniter import croniter
from redis import Redis, RedisError
from rq.cron import CronJob, CronScheduler
from sqlalchemy import text
from sqlalchemy.orm import Session
from werkzeug.utils import import_string

from config.extensions import redis
from config.settings import get_settings
from tenants import hints
from tenants.jobs import LAST_TICK, Periodic, fresh_app_context, periodic_jobs, push_once
from tenants.scope import system_session

TICK = "tenants.scheduler.tick"
MONTHS_AHEAD = 3
_TICK_LOCK = 7_301_846  # any constant of ours

log = structlog.get_logger("scheduler")

_OWE = text(
    """
    INSERT INTO tasks (tenant_id, id, job, args, key, due_at)
    SELECT t.id, new_id(), :job, jsonb_build_array(CAST(:day AS text)), :key, now()
    FROM tenants t
    WHERE t.status = 'active' AND t.zone = :zone AND t.created_at <= :due
      AND NOT EXISTS (SELECT 1 FROM tasks k WHERE k.tenant_id = t.id AND k.key = :key)
    ON CONFLICT DO NOTHING
    RETURNING tenant_id
    """
)


def last_due(cron: str, *, now: datetime, zone: str) -> datetime:
    """The latest moment at or before `now` (aware) at which `cron` fell due in `zone` (IANA), as an aware local time.

    A time that a change of clocks skips still falls due once, one that it repeats not twice.
    """
    local = now.astimezone(ZoneInfo(zone))
    # get_prev excludes the base; a second later, the minute that has just begun is included.
    naive = croniter(cron, local.replace(tzinfo=None, microsecond=0)).get_prev(datetime)
    if croniter.match(cron, local.replace(tzinfo=None, second=0, microsecond=0)):
        naive = local.replace(tzinfo=None, second=0, microsecond=0)
    return naive.replace(tzinfo=ZoneInfo(zone))


def owe_periodic(work: Periodic, *, zone: str, now: datetime, session: Session) -> list[UUID]:
    """Owe `work` to the tenants of `zone` that do not have it yet; those tenants. `session` is the system role's."""
    due = last_due(work.cron, now=now, zone=zone)
    key = f"{work.name}@{due:%Y-%m-%dT%H:%M}"
    given = {"job": work.job.name, "day": f"{due:%Y-%m-%d}", "key": key, "zone": zone, "due": due.astimezone(UTC)}
    return list(session.scalars(_OWE, given))


def tick() -> int:
    """What RQ calls each minute: owe what is due, keep partitions ahead; how many tasks were written."""
    now = datetime.now(UTC)
    with fresh_app_context():
        with system_session() as session:
            # Two ticks at once would wait for each other's unique keys row by row; so one at a time.
            session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _TICK_LOCK})
            zones = list(session.scalars(text("SELECT DISTINCT zone FROM tenants WHERE status = 'active'")))
            owed = [
                tenant_id
                for work in periodic_jobs().values()
                for zone in zones
                for tenant_id in owe_periodic(work, zone=zone, now=now, session=session)
            ]
            session.execute(text("SELECT make_event_partitions(current_date, :months)"), {"months": MONTHS_AHEAD})
        for tenant_id in dict.fromkeys(owed):
            hints.hint(tenant_id)
        redis().set(LAST_TICK, int(time.time()))
    return len(owed)


class TickJob(CronJob):
    """RQ's cron entry, enqueued under an id of its minute, as JSON: a second scheduler's is refused."""

    def enqueue(self, connection: Redis) -> Any:
        """Put this minute's tick into the queue, waiting out a Redis that is away."""
        minute = datetime.now(UTC)
        try:
            push_once(self.queue_name, TICK, job_id=f"tick-{minute:%Y%m%dT%H%M}", timeout=300)
        except RedisError as error:
            log.warning("scheduler_waits", error=str(error))


class Scheduler(CronScheduler):
    """RQ's cron with one entry, the tick; its own bookkeeping in Redis may fail without ending it."""

    def heartbeat(self) -> None:
        """Tell RQ's registry that we live."""
        try:
            super().heartbeat()
        except RedisError as error:
            log.warning("scheduler_waits", error=str(error))

    def save(self, *args: Any) -> None:
        """Keep the times of the entry in Redis."""
        try:
            super().save(*args)
        except RedisError as error:
            log.warning("scheduler_waits", error=str(error))


def make_scheduler() -> Scheduler:
    """The scheduler with its tick: at once when it starts, then at every full minute."""
    connection = Redis.from_url(get_settings().redis_url, socket_timeout=5)
    scheduler = Scheduler(connection=connection, logging_level="WARNING")
    entry = TickJob(queue_name="high", func=tick, cron="* * * * *", name="tick")
    entry.enqueue(connection)
    scheduler.get_jobs().append(entry)
    return scheduler


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    os.environ["TZ"] = "UTC"  # RQ reads cron strings in local time
    time.tzset()
    app = import_string("app:create_app")()
    with app.app_context():
        log.info("scheduler_started")
        while True:
            try:
                make_scheduler().start()  # type: ignore[no-untyped-call]
                break
            except RedisError as error:  # at birth or death; in between it waits by itself
                log.warning("scheduler_waits", error=str(error))
                time.sleep(1.0)
        log.info("scheduler_stopped")


if __name__ == "__main__":
    import_string("tenants.scheduler:main")()
