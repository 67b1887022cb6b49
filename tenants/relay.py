"""The relay: carries facts from the outbox to the queue, fairly between tenants, losing none.

    python -m tenants.relay

It learns from hints, and from a slow sweep in case a hint was lost, which tenants have work. Each turn
of one tenant claims a share of its events, writes a receipt per handler, commits, and only then puts
one job per handler into the queue. What is not answered in time is handed over again.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from rq import Queue
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from sqlalchemy import func, select, update
from werkzeug.utils import import_string

from config.extensions import db, redis
from tenants import hints, outbox
from tenants.events import Event, Receipt, acting_as, subscriptions
from tenants.jobs import RETRY, find_job, fresh_app_context, perform, push, push_task, redeliver_seconds, task_job_id
from tenants.outbox import Batch, Overdue
from tenants.scope import current_tenant_id, tenant_scope
from tenants.tasks import Task

SHARE = 300
"""Events of one tenant in one turn, and in one batch."""
OPEN_BATCHES = 8
"""Batches of one tenant on their way at once: what another tenant's single event waits for at most."""
TASKS = 20
"""Overdue tasks of one tenant handed over in one turn."""
LOST = 10
"""Hand-overs without any answer, not even an error, after which work is parked: it kills its worker."""
TIMEOUT = 300
LOST_SENTENCE = f"handed over {LOST} times and never answered; does it kill its worker?"

log = structlog.get_logger("relay")


# -- one tenant's turn ---------------------------------------------------------------------------


def turn(tenant_id: UUID) -> bool:
    """Hand over one share of a tenant's work. True when more is waiting that may go at once."""
    lease = redeliver_seconds()
    with tenant_scope(tenant_id):
        room = OPEN_BATCHES - outbox.open_batches()
        batches = _again(outbox.overdue(SHARE), room, lease=lease)
        room -= len(batches)
        published = 0
        if room > 0:
            fresh, published = outbox.publish(subscriptions().values(), most=SHARE, lease=lease)
            batches += fresh
        tasks = _overdue_tasks(lease=lease)
        db.session.commit()
    # From here on a crash, or a Redis that is gone, costs one lease of time and nothing else.
    for batch in batches:
        _push_batch(tenant_id, batch)
    for job_name, task_id, attempt in tasks:
        push_task(find_job(job_name), tenant_id, task_id, attempt)
    return published == SHARE


def _again(receipts: Sequence[Overdue], room: int, *, lease: float) -> list[Batch]:
    tenant_id = current_tenant_id()
    alive = _alive({_batch_job_id(tenant_id, r.batch): r.batch for r in receipts if r.batch})
    if alive:
        outbox.postpone(alive, lease=lease)
    gone = [receipt for receipt in receipts if receipt.batch not in alive]
    hopeless = [receipt for receipt in gone if receipt.attempts >= LOST]
    for receipt in hopeless:
        outbox.park(receipt.handler, [receipt.event_id], error=LOST_SENTENCE)
        log.error("event_parked", event_id=str(receipt.event_id), handler=receipt.handler, tenant_id=str(tenant_id))
    rest = [receipt for receipt in gone if receipt.attempts < LOST]
    lost = [receipt for receipt in rest if not receipt.goes_alone]
    # Those that go alone are as many jobs as events, so they share the tenant's room.
    alone = [receipt for receipt in rest if receipt.goes_alone][: max(room, 0) * 4]
    return outbox.hand_again([*lost, *alone], lease=lease)


def _overdue_tasks(*, lease: float) -> list[tuple[str, UUID, int]]:
    query = (
        select(Task.id, Task.job, Task.attempts)
        .where(Task.done_at.is_(None), Task.parked_at.is_(None), Task.due_at <= func.now())
        .order_by(Task.due_at)
        .limit(TASKS)
        .with_for_update(skip_locked=True)
    )
    rows = db.session.execute(query).all()
    tenant_id = current_tenant_id()
    alive = _alive({task_job_id(tenant_id, row.id, row.attempts): row.id for row in rows if row.attempts})
    handed = []
    for row in rows:
        values: dict[str, object] = {"due_at": func.now() + timedelta(seconds=lease)}
        error = None if row.id in alive else _unfit(row.job, row.attempts)
        if error:
            values = {"parked_at": func.now(), "error": func.coalesce(Task.error, error)}
            log.error("task_parked", task=str(row.id), job=row.job, tenant_id=str(tenant_id))
        elif row.id not in alive:
            values["attempts"] = row.attempts + 1
            handed.append((row.job, row.id, row.attempts + 1))
        db.session.execute(update(Task).where(Task.id == row.id).values(values))
    return handed


def _unfit(job: str, attempts: int) -> str | None:
    if attempts >= LOST:
        return LOST_SENTENCE
    try:
        find_job(job)
    except LookupError as error:
        return str(error)
    return None


def _alive(keys: dict[str, UUID]) -> set[UUID]:
    """Of these jobs (queue id → row), the rows whose job still waits in its queue or shows a fresh heartbeat."""
    connection = redis()
    jobs = Job.fetch_many(keys, connection=connection, serializer=JSONSerializer) if keys else []
    fresh = datetime.now(UTC) - timedelta(seconds=redeliver_seconds())
    alive = set()
    for job in jobs:
        if job is None:
            continue
        status = job.get_status(refresh=False)
        if status == JobStatus.STARTED:
            ok = job.last_heartbeat is not None and job.last_heartbeat > fresh
        else:
            # A worker killed while it took the job leaves it "queued" in no queue.
            queue = Queue(job.origin, connection=connection, serializer=JSONSerializer)
            ok = status == JobStatus.QUEUED and queue.get_job_position(job) is not None
        if ok:
            alive.add(keys[job.id])
    return alive


def _batch_job_id(tenant_id: UUID, batch: UUID) -> str:
    return f"batch-{tenant_id.hex}-{batch.hex}"


def _push_batch(tenant_id: UUID, batch: Batch) -> None:
    subscription = subscriptions().get(batch.handler)
    push(
        subscription.queue if subscription else "events",
        "tenants.relay.handle_batch",
        [str(tenant_id), batch.handler, [str(event_id) for event_id in batch.event_ids]],
        job_id=_batch_job_id(tenant_id, batch.id),
        timeout=TIMEOUT,
        what=f"{batch.handler}: {len(batch.event_ids)} events",
    )


# -- in a worker ---------------------------------------------------------------------------------


def handle_batch(tenant_id: str, handler: str, event_ids: Sequence[str]) -> None:
    """What RQ calls: give a handler the events that are still open, in scope and one transaction.

    Raises what the handler raised, after noting it: the events are then retried alone.
    """
    tenant = UUID(tenant_id)
    with fresh_app_context(), tenant_scope(tenant):
        try:
            perform_batch(handler, [UUID(event_id) for event_id in event_ids])
        finally:
            hints.hint(tenant)  # there is room for the next batch


def perform_batch(handler: str, event_ids: Sequence[UUID]) -> int:
    """Run a handler over the open ones of these events in the scope in force and commit; how many there were."""
    context = {"handler": handler, "tenant_id": str(current_tenant_id())}
    with structlog.contextvars.bound_contextvars(**context), acting_as("system"):
        try:
            events = outbox.claim(handler, event_ids)
            if events:
                subscription = subscriptions().get(handler)
                if subscription is None:
                    raise LookupError(f"there is no handler {handler}")
                subscription.run(events)
            db.session.commit()
        except Exception as error:
            db.session.rollback()
            text = f"{type(error).__name__}: {error}"
            parked = outbox.fail(handler, event_ids, error=text, delays=RETRY)
            db.session.commit()
            log.exception("event_parked" if parked else "batch_failed", events=len(event_ids))
            raise
    return len(events)


def drain(tenant_id: UUID) -> int:
    """Do here and now all that a tenant's workers owe, without the queue; how much was done.

    For tests, demo data and the command line. Raises what a handler or job raises. Call it outside any scope.
    """
    total = 0
    while True:
        with tenant_scope(tenant_id):
            outbox.publish(subscriptions().values(), most=SHARE, lease=redeliver_seconds())
            db.session.commit()
            done = _drain_receipts() + _drain_tasks()
            waiting = db.session.scalar(select(func.count()).where(Event.published_at.is_(None)))
        total += done
        if not done and not waiting:
            return total


def _drain_receipts() -> int:
    query = select(Receipt.handler, Receipt.event_id).where(Receipt.done_at.is_(None), Receipt.parked_at.is_(None))
    owed: dict[str, list[UUID]] = {}
    for handler, event_id in db.session.execute(query.order_by(Receipt.event_id).limit(SHARE)):
        owed.setdefault(handler, []).append(event_id)
    db.session.rollback()
    return sum(perform_batch(handler, event_ids) for handler, event_ids in owed.items())


def _drain_tasks() -> int:
    ready = (Task.due_at <= func.now()) | (Task.attempts > 0)
    query = select(Task.id).where(Task.done_at.is_(None), Task.parked_at.is_(None), ready).order_by(Task.created_at)
    owed = list(db.session.scalars(query.limit(SHARE)))
    db.session.rollback()
    return sum(perform(task_id) for task_id in owed)


# -- the loop ------------------------------------------------------------------------------------


class Ring:
    """Tenants with work, each once, in turn."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[UUID, None] = OrderedDict()

    def add(self, tenants: Iterable[UUID]) -> None:
        """Put tenants at the end of the ring; one that is already waiting keeps its place."""
        for tenant_id in tenants:
            self._waiting.setdefault(tenant_id)

    def next(self) -> UUID | None:
        """The tenant whose turn it is, off the ring."""
        return self._waiting.popitem(last=False)[0] if self._waiting else None


def run_relay(stop: threading.Event) -> None:
    """Relay until `stop` is set. A failure of PostgreSQL or Redis is waited out."""
    ring, next_sweep = Ring(), 0.0
    while not stop.is_set():
        try:
            next_sweep = _learn(ring, next_sweep)
            tenant_id = ring.next()
            if tenant_id is None:
                stop.wait(0.2)
            elif turn(tenant_id):
                ring.add([tenant_id])
        except Exception as error:  # noqa: BLE001  # whatever it is, the rows are safe and the next round tries again
            db.session.remove()
            log.warning("relay_waits", error=f"{type(error).__name__}: {error}".splitlines()[0])
            next_sweep = 0.0  # what was in hand is found again
            stop.wait(1.0)


def _learn(ring: Ring, next_sweep: float) -> float:
    """Add hinted tenants and, now and then, all with work. Raises RedisError, so that nothing is claimed in vain."""
    ring.add(hints.take())
    if time.monotonic() < next_sweep:
        return next_sweep
    ring.add(outbox.tenants_with_work())
    return time.monotonic() + max(1.0, redeliver_seconds() / 4)


def main() -> None:
    """Run until SIGTERM or SIGINT; the turn in hand is finished."""
    app = import_string("app:create_app")()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with app.app_context():
        log.info("relay_started")
        run_relay(stop)
        log.info("relay_stopped")


if __name__ == "__main__":
    # Under its own name, so that jobs and the registry are not known twice, as __main__ and by name.
    import_string("tenants.relay:main")()
