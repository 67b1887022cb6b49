"""Two tenants with a row in every table, and connections of the app role."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from tests.isolation.rows import Rows, tenant_tables


@dataclass
class World:
    """Tenants A and B, each with a row in every table, and engines past and behind the locks."""

    admin: Engine
    app: Engine
    a: UUID
    b: UUID
    rows: dict[UUID, dict[str, dict[str, Any]]]

    @contextmanager
    def scope(self, tenant_id: UUID | None, partner_id: UUID | None = None) -> Iterator[Connection]:
        """A transaction of the app role in a tenant (None: in none), rolled back at the end."""
        with self.app.connect() as connection, connection.begin() as transaction:
            if tenant_id is not None:
                connection.exec_driver_sql(f"SET LOCAL app.tenant_id = '{tenant_id}'")
                connection.exec_driver_sql(f"SET LOCAL app.partner_id = '{partner_id or ''}'")
            try:
                yield connection
            finally:
                transaction.rollback()


def make_world(admin_url: str, app_url: str) -> World:
    """Fill a migrated database with two tenants."""
    admin = create_engine(admin_url, poolclass=NullPool)
    behind = create_engine(app_url, poolclass=NullPool)
    made: list[UUID] = []
    rows: dict[UUID, dict[str, dict[str, Any]]] = {}
    with admin.begin() as connection:
        for _ in range(2):
            tenant = Rows(connection, UUID(int=0)).make(_tenants(), id=_fresh())
            made.append(tenant["id"])
            factory = Rows(connection, tenant["id"])
            rows[tenant["id"]] = {table.name: factory.parent(table) for table in tenant_tables()}
            rows[tenant["id"]]["tenant_hosts"] = factory.make(_hosts())
    return World(admin, behind, made[0], made[1], rows)


def _tenants() -> Any:
    from tenants.directory.models import Tenant

    return Tenant.__table__


def _hosts() -> Any:
    from tenants.directory.models import TenantHost

    return TenantHost.__table__


def _fresh() -> UUID:
    from tenants.ids import new_id

    return new_id()


@pytest.fixture(scope="session")
def world(app: Flask) -> Iterator[World]:
    """The world of this test run, in the database of the tests."""
    made = make_world(os.environ["DATABASE_URL"], os.environ["DATABASE_APP_URL"])
    yield made
    made.admin.dispose()
    made.app.dispose()


@pytest.fixture
def refused() -> Callable[..., AbstractContextManager[None]]:
    """`with refused(connection):` the statement inside must be turned down by PostgreSQL."""

    @contextmanager
    def check(connection: Connection, *states: str) -> Iterator[None]:
        savepoint = connection.begin_nested()
        with pytest.raises(DBAPIError) as caught:
            yield
        savepoint.rollback()
        state = getattr(caught.value.orig, "sqlstate", "")
        assert state in (states or ("42501",)), f"turned down, but for another reason: {caught.value.orig}"

    return check


@pytest.fixture(scope="session")
def column_of() -> Callable[[Connection, str], str | None]:
    """A column of the table that the app role may update, None when there is none."""

    def find(connection: Connection, table: str) -> str | None:
        query = text(
            "SELECT attname FROM pg_attribute WHERE attrelid = CAST(:t AS regclass) AND attnum > 0 AND NOT attisdropped "
            "AND attname <> 'tenant_id' AND has_column_privilege(:t, attname, 'UPDATE') ORDER BY attnum LIMIT 1"
        )
        return connection.scalar(query, {"t": table})

    return find
