"""The tenant scope: one context variable, set into each transaction, enforced by PostgreSQL.

Two locks, one key. `tenant_scope()` names the tenant; the session's `after_begin` runs `SET LOCAL
app.tenant_id`, which the row-level policies read; and every ORM statement gets `tenant_id = …`
as well, so that it reaches one shard of a cluster. Module code never filters by tenant.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import OperationalError
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection, ForeignKeyConstraint, Uuid, event, text
from sqlalchemy.orm import (
    Mapped,
    ORMExecuteState,
    Session,
    SessionTransaction,
    declared_attr,
    mapped_column,
    with_loader_criteria,
)

from config.extensions import db
from tenants.ids import new_id


class ScopeError(RuntimeError):
    """A programming error in the use of the tenant scope. Never shown to people."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Who is in force: a tenant, and for partner users the partner inside it."""

    tenant_id: UUID
    partner_id: UUID | None = None

    def statement(self) -> str:
        """The SET LOCAL statements of this scope; ids are validated UUIDs, so quoting is safe."""
        partner = self.partner_id or ""
        return f"SET LOCAL app.tenant_id = '{self.tenant_id}'; SET LOCAL app.partner_id = '{partner}'"


_scope: ContextVar[Scope | None] = ContextVar("tenant_scope", default=None)


@contextlib.contextmanager
def tenant_scope(tenant_id: UUID, partner_id: UUID | None = None) -> Iterator[Scope]:
    """Enter a tenant, and with `partner_id` one of its partners.

    Raises ScopeError while a transaction is open: its tenant is already fixed and would stay so.
    """
    if not isinstance(tenant_id, UUID) or not isinstance(partner_id, UUID | None):
        raise ScopeError("tenant_scope() takes UUIDs")
    _refuse_open_transaction("enter another scope")
    scope = Scope(tenant_id, partner_id)
    token = _scope.set(scope)
    try:
        yield scope
    finally:
        _scope.reset(token)
        # What this scope loaded must not be served from the identity map of the next one.
        if db.session.registry.has():
            db.session.rollback()
            db.session.expunge_all()


def _refuse_open_transaction(what: str) -> None:
    if db.session.registry.has() and db.session().in_transaction():
        raise ScopeError(f"cannot {what} while a transaction is open; commit or roll back first")


def in_scope() -> bool:
    """Whether a tenant is in force."""
    return _scope.get() is not None


def current_scope() -> Scope:
    """The scope in force. Raises ScopeError outside one."""
    scope = _scope.get()
    if scope is None:
        raise ScopeError("no tenant in force: open tenant_scope() first")
    return scope


def current_tenant_id() -> UUID:
    """The tenant in force. Raises ScopeError outside a scope."""
    return current_scope().tenant_id


def current_partner_id() -> UUID | None:
    """The partner in force, None for the brand's own staff and for jobs."""
    return current_scope().partner_id


class TenantKey:
    """Mixin of tables whose key is the tenant and something of their own."""

    @declared_attr
    def tenant_id(cls) -> Mapped[UUID]:  # noqa: N805  # SQLAlchemy passes the class
        """The owner of the row, taken from the scope."""
        return mapped_column(
            Uuid,
            primary_key=True,
            default=current_tenant_id,
            server_default=text("current_setting('app.tenant_id')::uuid"),
            sort_order=-20,
        )


class TenantScoped(TenantKey):
    """Mixin of tenant tables: composite key (tenant_id, id), id time-ordered."""

    @declared_attr
    def id(cls) -> Mapped[UUID]:  # noqa: N805  # SQLAlchemy passes the class
        """The row's own part of the key, time-ordered."""
        return mapped_column(Uuid, primary_key=True, default=new_id, server_default=text("new_id()"), sort_order=-19)


def tenant_fk(column: str, table: str, **kw: Any) -> ForeignKeyConstraint:
    """Reference (tenant_id, column) → table(tenant_id, id).

    Foreign-key checks bypass row-level security, so a plain reference would accept another tenant's row.
    """
    return ForeignKeyConstraint(["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"], **kw)


def install(session: Any) -> None:
    """Hang both locks on a (scoped) session factory. Called once by create_app()."""
    if not event.contains(session, "after_begin", _set_local):
        event.listen(session, "after_begin", _set_local)
        event.listen(session, "do_orm_execute", _add_tenant)


def _set_local(_session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    scope = _scope.get()
    if scope is not None:
        connection.exec_driver_sql(scope.statement())


def _add_tenant(state: ORMExecuteState) -> None:
    scope = _scope.get()
    if scope is None or not (state.is_select or state.is_update or state.is_delete):
        return
    if state.is_column_load or state.is_relationship_load:
        return
    tenant_id = scope.tenant_id
    state.statement = state.statement.options(
        with_loader_criteria(TenantKey, lambda cls: cls.tenant_id == tenant_id, include_aliases=True)
    )


@contextlib.contextmanager
def system_session() -> Iterator[Session]:
    """A session of the `system` role: relay, operator console, look-ups before a tenant is known.

    It sees every tenant. One transaction, committed at the end, rolled back on an error.
    """
    with Session(db.engines["system"]) as session, session.begin():
        yield session


@functools.cache
def _compiled(statement: str) -> str:
    """`:name` placeholders as the driver writes them."""
    return str(text(statement).compile(dialect=db.engines["hot"].dialect))


def call(statement: str, params: Mapping[str, Any] | None = None) -> list[Any]:
    """Run one statement in one round trip, committed by itself: the hot path. Rows are named tuples.

    The statement must call a function whose first argument is the tenant and which sets the scope
    itself. Refused while a transaction is open, because the two would not see each other.
    """
    current_scope()
    _refuse_open_transaction("call the hot path")
    # The driver's own cursor: SQLAlchemy's result objects cost a third of the statement's time here.
    connection = db.engines["hot"].raw_connection()
    try:
        cursor = connection.cursor()
        cursor.row_factory = namedtuple_row  # type: ignore[attr-defined]  # psycopg's, behind SQLAlchemy's proxy
        cursor.execute(_compiled(statement), params or {})
        rows: list[Any] = list(cursor.fetchall())
    except OperationalError:
        connection.invalidate()
        raise
    finally:
        connection.close()
    return rows
