"""What the operator sees of the installation. Runs as the system role, across tenants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from redis import RedisError
from rq import Queue, Worker
from rq.registry import FailedJobRegistry
from sqlalchemy import Select, func, select, text

from config.extensions import db, redis
from tenants.accounts.models import Membership
from tenants.directory.models import Tenant
from tenants.errors import NotFound
from tenants.jobs import QUEUES


def tenants() -> Select[*tuple[Any, ...]]:
    """All tenants with the number of their staff, for the list."""
    staff = (
        select(func.count())
        .select_from(Membership)
        .where(Membership.tenant_id == Tenant.id, Membership.status == "active")
        .scalar_subquery()
        .label("staff")
    )
    return select(
        Tenant.id,
        Tenant.slug,
        Tenant.name,
        Tenant.country,
        Tenant.zone,
        Tenant.status,
        Tenant.is_demo,
        Tenant.created_at,
        staff,
    )


def tenant(tenant_id: UUID) -> Tenant:
    """One tenant. Raises NotFound."""
    found = db.session.get(Tenant, tenant_id)
    if found is None:
        raise NotFound
    return found


def staff_of(tenant_id: UUID) -> list[Any]:
    """Name, e-mail, roles and status of a tenant's staff, for support."""
    query = text(
        "SELECT a.name, a.email, m.roles, m.status FROM memberships m JOIN accounts a ON a.id = m.account_id "
        "WHERE m.tenant_id = :id ORDER BY a.name"
    )
    return list(db.session.execute(query, {"id": tenant_id}))


def figures(tenant_id: UUID) -> dict[str, int]:
    """Sizes of a tenant: how much it uses the installation."""
    counted = {}
    for table in ("members", "purchases", "partners", "messages", "events"):
        found = db.session.scalar(text(f"SELECT count(*) FROM {table} WHERE tenant_id = :id"), {"id": tenant_id})
        counted[table] = int(found or 0)
    return counted


def late_events() -> int:
    """Events that wait longer than five minutes for the relay."""
    query = text(
        "SELECT count(*) FROM events WHERE published_at IS NULL AND recorded_at < now() - interval '5 minutes'"
    )
    return int(db.session.scalar(query) or 0)


def parked_receipts() -> int:
    """Handlers that gave up on an event and wait for a person."""
    query = text("SELECT count(*) FROM receipts WHERE parked_at IS NOT NULL AND done_at IS NULL")
    return int(db.session.scalar(query) or 0)


def database_size() -> int:
    """Bytes of this installation's database."""
    return int(db.session.scalar(text("SELECT pg_database_size(current_database())")) or 0)


def queues() -> list[dict[str, Any]]:
    """Each queue with what waits and what failed; empty when Redis is away."""
    try:
        connection = redis()
        found = [Queue(name, connection=connection) for name in QUEUES]
        return [
            {"name": queue.name, "waiting": len(queue), "failed": len(FailedJobRegistry(queue=queue))}
            for queue in found
        ]
    except RedisError:
        return []


def workers() -> list[dict[str, Any]]:
    """Workers that were heard of in the last minutes."""
    try:
        found = Worker.all(connection=redis())
    except RedisError:
        return []
    limit = datetime.now(UTC) - timedelta(minutes=10)
    heard = [(worker, worker.last_heartbeat) for worker in found]
    return [
        {"name": worker.name, "state": worker.get_state(), "queues": ", ".join(worker.queue_names()), "seen": seen}
        for worker, seen in heard
        if seen is None or seen.replace(tzinfo=seen.tzinfo or UTC) > limit
    ]
