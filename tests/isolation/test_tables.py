"""Every table of tenants × what one tenant could try on another's rows. Generated: a new table is tried by itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

import pytest
from sqlalchemy import Connection, Table, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from tests.isolation.conftest import World
from tests.isolation.rows import Rows, key_of, tenant_references, tenant_tables

Refused = Callable[..., AbstractContextManager[None]]
TABLES = tenant_tables()
REFERENCES = [(table, reference) for table in TABLES for reference in tenant_references(table)]
each_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


def count(connection: Connection, table: Table, **where: Any) -> int:
    query = select(func.count()).select_from(table)
    for name, value in where.items():
        query = query.where(table.c[name] == value)
    return connection.scalar(query) or 0


@each_table
def test_read(world: World, table: Table) -> None:
    with world.scope(world.a) as connection:
        assert count(connection, table, tenant_id=world.b) == 0
        assert count(connection, table) == count(connection, table, tenant_id=world.a) >= 1


@each_table
def test_raw_sql_without_a_tenant_raises(world: World, table: Table, refused: Refused) -> None:
    with world.scope(None) as connection, refused(connection, "42704", "22P02", "42501"):
        connection.exec_driver_sql(f"SELECT * FROM {table.name}").all()


@each_table
def test_insert_for_another_tenant(world: World, table: Table, refused: Refused) -> None:
    with world.admin.connect() as past, past.begin() as transaction:
        factory = Rows(past, world.b)
        factory.made = dict(world.rows[world.b])
        values = factory.values(table)
        transaction.rollback()
    with world.scope(world.a) as connection, refused(connection):
        connection.execute(table.insert().values(values))


@each_table
def test_update_and_delete_of_anothers_row(world: World, table: Table, column_of: Callable[..., str | None]) -> None:
    key = key_of(table, world.rows[world.b][table.name])
    where = " AND ".join(f"{name} = :{name}" for name in key)
    with world.scope(world.a) as connection:
        column = column_of(connection, table.name)
        if column:
            assert (
                connection.execute(text(f"UPDATE {table.name} SET {column} = {column} WHERE {where}"), key).rowcount
                == 0
            )
        if connection.scalar(text("SELECT has_table_privilege(:t, 'DELETE')"), {"t": table.name}):
            assert connection.execute(text(f"DELETE FROM {table.name} WHERE {where}"), key).rowcount == 0


@each_table
def test_bulk_statements_reach_own_rows_only(
    world: World, table: Table, column_of: Callable[..., str | None], refused: Refused
) -> None:
    with world.scope(world.a) as connection:
        own = count(connection, table)
        column = column_of(connection, table.name)
        if column:
            assert connection.execute(text(f"UPDATE {table.name} SET {column} = {column}")).rowcount == own
        if connection.scalar(text("SELECT has_table_privilege(:t, 'DELETE')"), {"t": table.name}):
            connection.execute(text("SET CONSTRAINTS ALL DEFERRED"))
            savepoint = connection.begin_nested()
            with suppress(IntegrityError):  # own children hold own rows; another tenant's never come into it
                assert connection.execute(text(f"DELETE FROM {table.name}")).rowcount == own
            savepoint.rollback()
        assert count(connection, table) == own


@each_table
def test_a_row_cannot_be_moved_to_another_tenant(world: World, table: Table, refused: Refused) -> None:
    key = key_of(table, world.rows[world.a][table.name])
    where = " AND ".join(f"{name} = :{name}" for name in key)
    with world.scope(world.a) as connection, refused(connection):
        connection.execute(text(f"UPDATE {table.name} SET tenant_id = :other WHERE {where}"), key | {"other": world.b})


@pytest.mark.parametrize(("table", "reference"), REFERENCES, ids=lambda given: getattr(given, "name", None))
def test_reference_to_anothers_row(world: World, table: Table, reference: Any, refused: Refused) -> None:
    """Foreign-key checks look past row-level security, so only the composite key keeps tenants apart."""
    other = world.rows[world.b][reference.referred_table.name]
    foreign = {element.parent.name: other[element.column.name] for element in reference.elements}
    foreign.pop("tenant_id")
    with world.admin.connect() as past, past.begin() as transaction:
        factory = Rows(past, world.a)
        factory.made = dict(world.rows[world.a])
        values = factory.values(table, **foreign)
        with refused(past, "23503"):
            past.execute(table.insert().values(values))
            past.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        transaction.rollback()


@pytest.fixture(scope="module")
def scoped_sessions() -> sessionmaker[Session]:
    """Sessions with our hooks; one factory, because SQLAlchemy knows listeners by the address of what they hang on."""
    from tenants.scope import install

    factory = sessionmaker(class_=Session)
    install(factory)
    return factory


@each_table
def test_the_orm_adds_the_tenant_where_no_policy_does(
    world: World, table: Table, app: Any, scoped_sessions: sessionmaker[Session]
) -> None:
    """The second lock alone: the administrator's connection sees all, the session in scope does not."""
    from config.extensions import Base
    from tenants.scope import tenant_scope

    model = next((m.class_ for m in Base.registry.mappers if m.local_table is table), None)
    if model is None:
        pytest.skip("a table without a model is written by SQL functions only")
    with app.app_context(), tenant_scope(world.a), scoped_sessions(bind=world.admin) as session:
        tenants = set(session.scalars(select(model.tenant_id)))
        assert tenants == {world.a}
        key = key_of(table, world.rows[world.b][table.name])
        assert session.get(model, tuple(key.values())) is None


def test_every_partition_is_closed_when_asked_directly(world: World) -> None:
    query = "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relispartition AND c.relkind = 'r'"
    with world.scope(world.a) as connection:
        partitions = list(connection.scalars(text(query)))
        assert partitions
        for name in partitions:
            assert not connection.scalar(text("SELECT has_table_privilege(:t, 'SELECT')"), {"t": name})
