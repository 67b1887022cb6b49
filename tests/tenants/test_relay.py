"""Facts reach their handlers once, whatever is repeated, lost or broken; tasks too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import func, select, text, update

from config.extensions import db, redis
from tenants import hints, jobs, outbox, relay
from tenants.events import Event, Fact, Receipt, handles, record, subscriptions
from tenants.info import TenantInfo
from tenants.jobs import tenant_job
from tenants.scope import ScopeError, current_tenant_id, tenant_scope
from tenants.tasks import Task

SEEN: list[tuple[UUID, UUID]] = []
FAILING: set[str] = set()


@dataclass(frozen=True)
class Rang(Fact):
    """A bell rang."""

    kind = "test.rang"
    bell: str


@pytest.fixture(autouse=True)
def bell_handler() -> Iterator[None]:
    """A handler that notes what it sees and fails on the bells in FAILING."""
    SEEN.clear()
    FAILING.clear()

    def on_rang(events: list[Event]) -> None:
        if any(event.payload["bell"] in FAILING for event in events):
            raise ValueError("cracked bell")
        SEEN.extend((current_tenant_id(), event.id) for event in events)

    handles("test.rang", name="test.bells")(on_rang)
    yield
    subscriptions().pop("test.bells")


@pytest.fixture(autouse=True)
def empty_queues(context: Flask) -> None:
    """Redis as after a loss of everything."""
    redis().flushdb()


def ring(tenant: TenantInfo, *bells: str) -> list[UUID]:
    with tenant_scope(tenant.id):
        for bell in bells:
            record(Rang(bell))
        db.session.commit()
        return list(db.session.scalars(select(Event.id).where(Event.kind == "test.rang").order_by(Event.id)))


def queued(queue: str = "events") -> list[Any]:
    return Queue(queue, connection=redis(), serializer=JSONSerializer).get_jobs()


def work_off(queue: str = "events") -> int:
    """Run what is queued, as a worker would but here; failures are noted by the job itself."""
    found = Queue(queue, connection=redis(), serializer=JSONSerializer)
    done = 0
    for job in found.get_jobs():
        found.remove(job)
        with suppress(ValueError):
            job.func(*job.args)
        done += 1
    return done


def let_time_pass(tenant: TenantInfo) -> None:
    """Make everything overdue."""
    with tenant_scope(tenant.id):
        past = func.now() - timedelta(hours=1)
        db.session.execute(update(Receipt).values(due_at=past))
        db.session.execute(update(Task).values(due_at=past))
        db.session.commit()


def receipts(tenant: TenantInfo) -> list[Receipt]:
    with tenant_scope(tenant.id):
        found = list(db.session.scalars(select(Receipt).order_by(Receipt.event_id)))
        db.session.expunge_all()
        return found


def test_events_travel_in_one_job_per_handler(tenant: TenantInfo) -> None:
    ids = ring(tenant, "a", "b", "c")
    relay.turn(tenant.id)
    assert len(queued()) == 1
    assert work_off() == 1
    assert [(tenant.id, event_id) for event_id in ids] == SEEN
    assert all(receipt.done_at for receipt in receipts(tenant))


def test_a_batch_that_is_delivered_twice_has_one_effect(tenant: TenantInfo) -> None:
    ids = ring(tenant, "a")
    relay.turn(tenant.id)
    for _ in range(3):
        relay.handle_batch(str(tenant.id), "test.bells", [str(ids[0])])
    assert len(SEEN) == 1


def test_an_emptied_redis_loses_nothing(tenant: TenantInfo) -> None:
    ring(tenant, "a", "b")
    relay.turn(tenant.id)
    redis().flushdb()
    relay.turn(tenant.id)
    assert queued() == []  # not overdue yet
    let_time_pass(tenant)
    assert tenant.id in outbox.tenants_with_work()
    relay.turn(tenant.id)
    assert work_off() == 1
    assert len(SEEN) == 2


def test_work_that_still_waits_in_the_queue_is_not_handed_over_again(tenant: TenantInfo) -> None:
    ring(tenant, "a")
    relay.turn(tenant.id)
    let_time_pass(tenant)
    relay.turn(tenant.id)
    assert len(queued()) == 1
    assert receipts(tenant)[0].attempts == 1


def test_a_failing_event_is_retried_alone_and_then_parked(tenant: TenantInfo) -> None:
    ring(tenant, "good", "cracked", "fine")
    FAILING.add("cracked")
    relay.turn(tenant.id)
    work_off()
    assert SEEN == []
    relay.turn(tenant.id)
    assert work_off() == 3  # each alone
    assert len(SEEN) == 2
    for _ in range(len(jobs.RETRY)):
        let_time_pass(tenant)
        relay.turn(tenant.id)
        work_off()
    parked = [receipt for receipt in receipts(tenant) if receipt.parked_at]
    assert len(parked) == 1
    assert parked[0].error == "ValueError: cracked bell"
    with tenant_scope(tenant.id):
        FAILING.clear()
        assert outbox.unpark("test.bells", parked[0].event_id)
        db.session.commit()
    relay.turn(tenant.id)
    work_off()
    assert len(SEEN) == 3


def test_an_event_that_kills_its_worker_is_parked_without_an_answer(tenant: TenantInfo) -> None:
    ring(tenant, "a")
    for _ in range(relay.LOST + 2):
        relay.turn(tenant.id)
        redis().flushdb()
        let_time_pass(tenant)
    assert receipts(tenant)[0].parked_at is not None
    assert receipts(tenant)[0].error == relay.LOST_SENTENCE


def test_one_tenants_backlog_takes_a_bounded_part_of_the_queue(
    tenant: TenantInfo, other_tenant: TenantInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "SHARE", 5)
    ring(tenant, *"abcdefghij" * 10)
    ring(other_tenant, "z")
    waiting = relay.Ring()
    waiting.add([tenant.id, other_tenant.id])
    while (turn := waiting.next()) is not None:
        if relay.turn(turn):
            waiting.add([turn])
    order = [UUID(job.args[0]) for job in queued()]
    assert order.count(tenant.id) == relay.OPEN_BATCHES
    assert order.index(other_tenant.id) == 1  # after one share of the first tenant
    while work_off():
        relay.turn(tenant.id)
    assert len(SEEN) == 101


def test_two_relays_claim_disjointly(context: Flask, tenant: TenantInfo) -> None:
    ring(tenant, *"abcdef")
    with tenant_scope(tenant.id):
        mine, count = outbox.publish(subscriptions().values(), most=4, lease=60)
        with context.app_context():
            theirs: list[Any] = []
            # A second relay is another process; here its scope is that of a session of its own.
            with tenant_scope(tenant.id):
                theirs, rest = outbox.publish(subscriptions().values(), most=10, lease=60)
                db.session.commit()
        db.session.commit()
    assert (count, rest) == (4, 2)
    assert not set(mine[0].event_ids) & set(theirs[0].event_ids)


def test_a_rolled_back_act_leaves_no_fact_and_no_hint(scope: Any) -> None:
    record(Rang("never"))
    scope.rollback()
    scope.commit()
    assert scope.scalar(select(func.count()).select_from(Event)) == 0
    assert hints.take() == []


def test_a_commit_hints_the_relay(tenant: TenantInfo) -> None:
    ring(tenant, "a")
    assert tenant.id in hints.take()


def test_drain_does_all_that_is_owed(tenant: TenantInfo) -> None:
    ring(tenant, *"abc")
    with tenant_scope(tenant.id):
        chime.enqueue(tenant.id, "x", 3)
        db.session.commit()
    assert relay.drain(tenant.id) == 9  # six events and three chunks
    assert len(SEEN) == 6
    assert [args[0] for args in RAN] == [3, 2, 1]


# -- tasks ---------------------------------------------------------------------------------------

RAN: list[tuple[Any, ...]] = []


@tenant_job(queue="bulk")
def chime(tenant_id: UUID, name: str, left: int) -> None:
    """Work in chunks: each is one job and one commit, and owes the next."""
    record(Rang(f"{name}{left}") if left < 0 else Rang(name))
    RAN.append((left,))
    if name in FAILING:
        raise ValueError("no chime")
    if left > 1:
        jobs.continue_with(chime, tenant_id, name, left - 1)


@pytest.fixture(autouse=True)
def forget_ran() -> None:
    RAN.clear()


def tasks(tenant: TenantInfo) -> list[Task]:
    with tenant_scope(tenant.id):
        found = list(db.session.scalars(select(Task).order_by(Task.created_at, Task.id)))
        db.session.expunge_all()
        return found


def test_owed_work_goes_to_the_queue_after_the_commit_only(scope: Any, tenant: TenantInfo) -> None:
    chime.enqueue(tenant.id, "x", 1)
    assert queued("bulk") == []
    scope.commit()
    assert len(queued("bulk")) == 1
    chime.enqueue(tenant.id, "y", 1)
    scope.rollback()
    scope.commit()
    assert len(queued("bulk")) == 1
    assert len(tasks_of(scope)) == 1


def tasks_of(session: Any) -> list[UUID]:
    return list(session.scalars(select(Task.id)))


def test_chunks_follow_each_other(tenant: TenantInfo) -> None:
    chime.enqueue(tenant.id, "x", 3)
    while work_off("bulk"):
        pass
    assert RAN == [(3,), (2,), (1,)]
    assert all(task.done_at for task in tasks(tenant))


def test_a_chunk_of_a_killed_worker_is_taken_up_again(tenant: TenantInfo) -> None:
    chime.enqueue(tenant.id, "x", 2)
    redis().flushdb()  # the queue and the worker are gone
    let_time_pass(tenant)
    relay.turn(tenant.id)
    while work_off("bulk"):
        pass
    assert RAN == [(2,), (1,)]


def test_a_job_enqueued_twice_runs_once(tenant: TenantInfo) -> None:
    task_id = chime.enqueue(tenant.id, "x", 1)
    for _ in range(3):
        jobs.run_task(str(tenant.id), str(task_id))
    assert RAN == [(1,)]


def test_a_named_job_is_owed_once_for_ever(tenant: TenantInfo, other_tenant: TenantInfo) -> None:
    assert chime.enqueue(tenant.id, "x", 1, job_id="once")
    work_off("bulk")
    assert chime.enqueue(tenant.id, "x", 1, job_id="once") is None
    assert chime.enqueue(other_tenant.id, "x", 1, job_id="once")  # a name is the tenant's own


def test_a_failing_job_is_tried_again_and_then_parked(tenant: TenantInfo) -> None:
    FAILING.add("x")
    chime.enqueue(tenant.id, "x", 1)
    for _ in range(len(jobs.RETRY) + 1):
        work_off("bulk")
        let_time_pass(tenant)
        relay.turn(tenant.id)
    (task,) = tasks(tenant)
    assert task.parked_at is not None
    assert task.error == "ValueError: no chime"
    assert len(RAN) == len(jobs.RETRY) + 1
    with tenant_scope(tenant.id):
        assert db.session.scalar(select(func.count()).select_from(Event)) == 0  # nothing of it was kept


def test_a_job_that_no_longer_exists_is_parked_by_name(tenant: TenantInfo) -> None:
    with tenant_scope(tenant.id):
        db.session.execute(text("INSERT INTO tasks (job) VALUES ('tenants.gone.job')"))
        db.session.commit()
    relay.turn(tenant.id)
    assert tasks(tenant)[0].error == "there is no job tenants.gone.job"


def test_a_job_without_a_tenant_fails(context: Flask, tenant: TenantInfo) -> None:
    task_id = chime.enqueue(tenant.id, "x", 1)
    with pytest.raises(ValueError, match="badly formed"):
        jobs.run_task("", str(task_id))
    with pytest.raises(ScopeError):
        chime.enqueue(None, "x", 1)  # type: ignore[arg-type]


def test_a_job_of_one_tenant_does_not_find_anothers_task(tenant: TenantInfo, other_tenant: TenantInfo) -> None:
    task_id = chime.enqueue(tenant.id, "x", 1)
    jobs.run_task(str(other_tenant.id), str(task_id))
    assert RAN == []


def test_work_cannot_be_owed_to_another_tenant(scope: Any, other_tenant: TenantInfo) -> None:
    with pytest.raises(ScopeError):
        chime.enqueue(other_tenant.id, "x", 1)


def test_the_queue_carries_json_and_the_tenant(tenant: TenantInfo) -> None:
    chime.enqueue(tenant.id, "x", 1)
    (job,) = queued("bulk")
    assert job.args == [str(tenant.id), str(tasks(tenant)[0].id)]
    assert tenant.id.hex in job.id
    assert redis().hget(f"rq:job:{job.id}", "data") is not None


def test_a_delayed_job_waits_for_the_relay(tenant: TenantInfo) -> None:
    chime.enqueue(tenant.id, "x", 1, delay=3600)
    relay.turn(tenant.id)
    assert queued("bulk") == []
    let_time_pass(tenant)
    relay.turn(tenant.id)
    assert len(queued("bulk")) == 1
    assert datetime.now(UTC) < tasks(tenant)[0].due_at


def test_the_actor_travels_with_the_work(tenant: TenantInfo) -> None:
    from tenants.events import acting_as

    with tenant_scope(tenant.id), acting_as("staff", "someone"):
        chime.enqueue(tenant.id, "x", 1)
        db.session.commit()
    work_off("bulk")
    with tenant_scope(tenant.id):
        assert db.session.scalar(select(Event.actor)) == "staff:someone"
