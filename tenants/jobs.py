"""How work is done later: @tenant_job, @periodic, and the only place where RQ's queues are fed.

    @tenant_job(queue="bulk")
    def run_chunk(tenant_id: UUID, import_id: str, chunk: int) -> None: ...

    run_chunk.enqueue(tenant_id, str(import_id), 1)                # from a door, a job or the scheduler
    run_chunk.enqueue(tenant_id, x, 2, job_id=f"import-{x}-2")     # once for ever under this id

Inside a scope `enqueue` joins the current transaction: the task exists if and only if that commits,
and goes to the queue afterwards. A job runs in app context and scope and commits once, together with
the mark on its task; when it raises, all is rolled back and it is tried again, then parked.
Arguments are JSON values (ids as text). Services never enqueue: they record facts.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from flask import Flask, current_app
from flask.ctx import AppContext
from redis import RedisError
from rq import Queue
from rq.exceptions import DuplicateJobError
from rq.serializers import JSONSerializer
from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from config.extensions import db, redis
from tenants import hints, tasks
from tenants.events import acting_as
from tenants.scope import ScopeError, current_tenant_id, in_scope, tenant_scope

QUEUES = ("high", "events", "default", "bulk")
"""Worked in this order. `bulk` is for long work cut into chunks."""
RETRY = (5.0, 30.0, 120.0, 600.0)
"""Seconds before each further attempt; when they are used up the task is parked."""
FAILURES_KEPT = 7 * 86_400
LAST_TICK = "perennial:scheduler:last_tick"
"""Redis key: when the scheduler last ticked, in Unix seconds."""

log = structlog.get_logger("jobs")


@dataclass(frozen=True)
class TenantJob:
    """A function that does work of one tenant later. Called directly it runs here and now, in the scope in force."""

    name: str
    run: Callable[..., Any]
    queue: str
    retry: tuple[float, ...]
    timeout: int

    def __call__(self, tenant_id: UUID, *args: Any) -> Any:
        """Run in the current scope and transaction, without a task."""
        return self.run(tenant_id, *args)

    def enqueue(
        self, tenant_id: UUID, *args: Any, job_id: str | None = None, unique: bool = True, delay: float = 0.0
    ) -> UUID | None:
        """Owe this work; returns the task's id, None when `job_id` was used before (unless `unique` is false).

        In the tenant's scope it is part of the current transaction; outside any scope it commits by itself.
        `delay` in seconds. Raises ScopeError in another tenant's scope.
        """
        if not in_scope():
            with tenant_scope(tenant_id):
                task_id = self._owe(args, job_id if unique else None, delay)
                db.session.commit()
            return task_id
        if current_tenant_id() != tenant_id:
            raise ScopeError("work can only be owed to the tenant in force")
        return self._owe(args, job_id if unique else None, delay)

    def _owe(self, args: Sequence[Any], key: str | None, delay: float) -> UUID | None:
        tenant_id = current_tenant_id()
        # Unless the queue answers by then, the relay hands the task over again.
        again = datetime.now(UTC) + timedelta(seconds=delay or redeliver_seconds())
        values = [str(value) if isinstance(value, UUID) else value for value in args]
        task_id = tasks.owe(self.name, values, key=key, due_at=again, attempts=0 if delay else 1)
        if task_id is not None and not delay:
            db.session.info.setdefault("owed", []).append((self, tenant_id, task_id))
        return task_id


_jobs: dict[str, TenantJob] = {}


def tenant_job(
    queue: str = "default", *, retry: Sequence[float] = RETRY, timeout: int = 300
) -> Callable[[Callable[..., Any]], TenantJob]:
    """Make f(tenant_id, *ids) a job. `retry` seconds before each further attempt, `timeout` seconds for one."""
    if queue not in QUEUES:
        raise ValueError(f"queue must be one of {', '.join(QUEUES)}")

    def decorate(function: Callable[..., Any]) -> TenantJob:
        # The name is written into tasks, so moving a function needs its old name kept until they are done.
        name = f"{function.__module__}.{function.__qualname__}"
        job = TenantJob(name, function, queue, tuple(retry), timeout)
        _jobs[name] = job
        return job

    return decorate


def run_after_commit(job: TenantJob, tenant_id: UUID, *args: Any) -> UUID | None:
    """For doors: owe the work in this request's transaction, handed over when it has committed."""
    return job.enqueue(tenant_id, *args)


continue_with = run_after_commit
"""For chunked work: the next chunk is owed by the commit that ends this one, so a kill loses neither."""


def find_job(name: str) -> TenantJob:
    """The job with this name, importing its module if need be. Raises LookupError when there is none."""
    if name not in _jobs:
        try:
            importlib.import_module(name.rpartition(".")[0])
        except ImportError as error:
            raise LookupError(f"there is no job {name}") from error
    if name not in _jobs:
        raise LookupError(f"there is no job {name}")
    return _jobs[name]


# -- periodic work -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Periodic:
    """Work that every tenant has at certain times of its own zone. `cron` has five fields."""

    name: str
    cron: str
    job: TenantJob


_periodic: dict[str, Periodic] = {}


def periodic(
    cron: str, *, name: str, queue: str = "default", retry: Sequence[float] = RETRY, timeout: int = 900
) -> Callable[[Callable[..., Any]], TenantJob]:
    """Run f(tenant_id) or f(tenant_id, day) for each active tenant at `cron` in the tenant's own zone.

    `day` is the tenant's date the run is for, also when it runs late. Once per tenant and time, however
    many schedulers there are; a time missed while nothing ran is caught up once, with the latest.
    """

    def decorate(function: Callable[..., Any]) -> TenantJob:
        wants_day = len(inspect.signature(function).parameters) > 1

        def run(tenant_id: UUID, day: str) -> Any:
            when = datetime.fromisoformat(day).date()
            return function(tenant_id, when) if wants_day else function(tenant_id)

        run.__module__, run.__qualname__ = function.__module__, function.__qualname__
        job = tenant_job(queue, retry=retry, timeout=timeout)(run)
        known = _periodic.get(name)
        if known and known.job.name != job.name:
            raise RuntimeError(f"two periodic jobs are called {name!r}")
        _periodic[name] = Periodic(name, cron, job)
        return job

    return decorate


def periodic_jobs() -> dict[str, Periodic]:
    """All periodic work by name."""
    return _periodic


# -- handing over --------------------------------------------------------------------------------


def redeliver_seconds() -> float:
    """After how many seconds without an answer work is handed over again (setting REDELIVER_SECONDS)."""
    return float(current_app.extensions["settings"].redeliver_seconds)


def task_job_id(tenant_id: UUID, task_id: UUID, attempt: int) -> str:
    """The queue's id of one attempt at a task; RQ allows letters, digits, _ and - only."""
    return f"task-{tenant_id.hex}-{task_id.hex}-{attempt}"


def push(queue: str, function: str, args: Sequence[Any], *, job_id: str, timeout: int, what: str) -> None:
    """Put one wake-up into a queue, replacing an older one of the same id. Raises RedisError."""
    target = Queue(queue, connection=redis(), serializer=JSONSerializer)
    kept = {"result_ttl": 0, "failure_ttl": FAILURES_KEPT, "job_timeout": timeout}
    target.enqueue(function, args=tuple(args), job_id=job_id, description=what, **kept)


def push_once(queue: str, function: str, *, job_id: str, timeout: int) -> bool:
    """Put a job without a tenant into a queue unless one of this id was there lately. Raises RedisError."""
    target = Queue(queue, connection=redis(), serializer=JSONSerializer)
    try:
        target.enqueue(function, job_id=job_id, unique=True, result_ttl=300, failure_ttl=300, job_timeout=timeout)
    except DuplicateJobError:
        return False
    return True


def push_task(job: TenantJob, tenant_id: UUID, task_id: UUID, attempt: int = 1) -> None:
    """Wake a worker for a task. Raises RedisError."""
    job_id = task_job_id(tenant_id, task_id, attempt)
    push(
        job.queue,
        "tenants.jobs.run_task",
        [str(tenant_id), str(task_id)],
        job_id=job_id,
        timeout=job.timeout,
        what=job.name,
    )


def install(session: Any) -> None:
    """Hang the hand-over on a session factory: after a commit, never after a rollback. Called by create_app()."""
    if not event.contains(session, "after_commit", _after_commit):
        event.listen(session, "after_commit", _after_commit)
        event.listen(session, "after_soft_rollback", _after_rollback)


def _after_commit(session: Session) -> None:
    if session.in_nested_transaction():
        return
    if session.info.pop("recorded", False) and in_scope():
        hints.hint(current_tenant_id())
    for job, tenant_id, task_id in session.info.pop("owed", ()):
        try:
            push_task(job, tenant_id, task_id)
        except RedisError:
            log.warning("queue_unreachable", job=job.name, task=str(task_id))  # the relay hands it over later


def _after_rollback(session: Session, previous: SessionTransaction) -> None:
    if previous.parent is None:
        session.info.pop("owed", None)
        session.info.pop("recorded", None)


# -- running, in a worker ------------------------------------------------------------------------


def fresh_app_context() -> AppContext:
    """A context, and so a session, of the job's own: nothing is shared with whoever runs it."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001  # Flask's own way
    return app.app_context()


def run_task(tenant_id: str, task_id: str) -> None:
    """What RQ calls: one task of one tenant, in app context, scope and one transaction.

    A task that is done, parked or running elsewhere is left alone. Raises what the job raised.
    """
    with fresh_app_context(), tenant_scope(UUID(tenant_id)):
        perform(UUID(task_id))


def perform(task_id: UUID) -> bool:
    """Run one task in the scope in force and commit; False when there was nothing to do. Raises what it raised."""
    claimed = tasks.claim(task_id)
    if claimed is None:
        db.session.rollback()
        return False
    context = {"job": claimed.job, "task": str(task_id), "tenant_id": str(current_tenant_id())}
    with structlog.contextvars.bound_contextvars(**context), acting_as(claimed.actor):
        retry: Sequence[float] = RETRY
        try:
            job = find_job(claimed.job)
            retry = job.retry
            job.run(current_tenant_id(), *claimed.args)
            tasks.finish(task_id)
            db.session.commit()
        except Exception as error:
            _note_failure(task_id, error, retry)
            raise
    return True


def _note_failure(task_id: UUID, error: Exception, retry: Sequence[float]) -> None:
    db.session.rollback()
    parked = tasks.fail(task_id, error=f"{type(error).__name__}: {error}", delays=retry)
    db.session.commit()
    log.error("job_parked" if parked else "job_failed", exc_info=error)
