"""Verbs of the operator. They run as the system role; the demo's end commits by itself."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, text

from config.extensions import Base, db
from config.settings import get_settings
from tenants.accounts.models import Account, Membership
from tenants.directory import console_queries
from tenants.directory.models import Tenant
from tenants.events import Event, current_actor_ref
from tenants.info import forget_tenants
from tenants.scope import system_session


def set_tenant_status(tenant_id: UUID, *, status: str) -> Tenant:
    """Suspend a tenant ("suspended": every page and the API answer 404) or let it in again ("active")."""
    tenant = console_queries.tenant(tenant_id)
    if tenant.status != status:
        before, tenant.status = tenant.status, status
        row: dict[str, Any] = {"tenant_id": tenant_id, "kind": "tenant.status_changed", "actor": current_actor_ref()}
        db.session.execute(insert(Event), [row | {"payload": {"before": before, "after": status}}])
        forget_tenants()
    return tenant


def purge_demo() -> dict[str, int]:
    """Delete the demo tenants with everything that is theirs, table by table; returns rows deleted per table.

    Accounts that belong to no other tenant go too, operators stay. Committed by itself, all or nothing;
    the files go afterwards.
    """
    with system_session() as session:
        ids = list(session.scalars(select(Tenant.id).where(Tenant.is_demo)))
        if not ids:
            return {}
        people = set(session.scalars(select(Membership.account_id).where(Membership.tenant_id.in_(ids))))
        deleted = {}
        for table in reversed(Base.metadata.sorted_tables):
            if "tenant_id" in table.c:
                done = session.execute(delete(table).where(table.c.tenant_id.in_(ids)))
                deleted[table.name] = int(done.rowcount)  # type: ignore[attr-defined]
        elsewhere = set(session.scalars(select(Membership.account_id).where(Membership.account_id.in_(people))))
        alone = people - elsewhere
        session.execute(delete(Account).where(Account.id.in_(alone), Account.is_operator.is_(False)))
        session.execute(delete(Tenant).where(Tenant.id.in_(ids)))
        deleted["tenants"] = len(ids)
    for tenant_id in ids:
        shutil.rmtree(get_settings().files_dir / str(tenant_id), ignore_errors=True)
    forget_tenants()
    return {name: count for name, count in deleted.items() if count}


def end_all_sessions(tenant_id: UUID) -> int:
    """End every session of a tenant, of all kinds of people; returns how many."""
    statement = text("UPDATE sessions SET ended_at = :now WHERE tenant_id = :id AND ended_at IS NULL RETURNING id")
    return len(db.session.execute(statement, {"id": tenant_id, "now": datetime.now(UTC)}).all())
