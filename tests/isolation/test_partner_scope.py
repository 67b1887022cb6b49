"""The second scope: inside a tenant, a partner user meets the rows of the own company only."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from uuid import UUID

import pytest
from sqlalchemy import Table, func, select, text

from tests.isolation.conftest import World
from tests.isolation.locks import OPEN_TO_PARTNERS
from tests.isolation.rows import Rows, tenant_tables

TABLES = tenant_tables()
WITH_PARTNER = [table for table in TABLES if "partner_id" in table.c]
Refused = Callable[..., AbstractContextManager[None]]


@pytest.fixture(scope="module")
def partners(world: World) -> tuple[UUID, UUID]:
    """Our partner and a rival of the same tenant; every table with a partner has a row of each."""
    with world.admin.begin() as past:
        made = []
        for _ in range(2):
            factory = Rows(past, world.a)
            made.append(factory.parent(next(table for table in TABLES if table.name == "partners"))["id"])
            for table in WITH_PARTNER:
                factory.make(table, partner_id=made[-1])
    return made[0], made[1]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_what_is_not_the_partners_own_is_not_there(world: World, partners: tuple[UUID, UUID], table: Table) -> None:
    ours, rival = partners
    if table.name in OPEN_TO_PARTNERS:
        pytest.skip(OPEN_TO_PARTNERS[table.name])
    query = select(func.count()).select_from(table)
    column = table.c.id if table.name == "partners" else table.c.get("partner_id")
    with world.scope(world.a, ours) as connection:
        if column is None:
            assert connection.scalar(query) == 0
        else:
            assert connection.scalar(query.where(column != ours)) == 0
            assert connection.scalar(query.where(column == rival)) == 0


@pytest.mark.parametrize("table", WITH_PARTNER, ids=lambda table: table.name)
def test_a_partner_cannot_write_for_a_rival(
    world: World, partners: tuple[UUID, UUID], table: Table, refused: Refused, column_of: Callable[..., str | None]
) -> None:
    ours, rival = partners
    with world.admin.connect() as past, past.begin() as transaction:
        values = Rows(past, world.a).values(table, partner_id=rival)
        transaction.rollback()
    with world.scope(world.a, ours) as connection:
        with refused(connection):
            connection.execute(table.insert().values(values))
        column = column_of(connection, table.name)
        if column:
            statement = text(f"UPDATE {table.name} SET {column} = {column} WHERE partner_id = :rival")
            assert connection.execute(statement, {"rival": rival}).rowcount == 0


def test_a_partner_scope_needs_its_tenant(world: World, partners: tuple[UUID, UUID]) -> None:
    """Another tenant with our partner's id shows nothing: the tenant lock holds under the partner's."""
    with world.scope(world.b, partners[0]) as connection:
        for table in WITH_PARTNER:
            addressed = select(func.count()).select_from(table).where(table.c.partner_id.is_not(None))
            assert connection.scalar(addressed) == 0, table.name


@pytest.mark.parametrize("name", ["addresses", "messages", "sessions"])
def test_a_partner_meets_the_own_people_and_not_a_rivals(world: World, name: str, refused: Refused) -> None:
    """These tables name a person and no partner; whose person it is stands in partner_users."""
    table = next(table for table in TABLES if table.name == name)
    users = next(table for table in TABLES if table.name == "partner_users")
    company = next(table for table in TABLES if table.name == "partners")
    kind, who = ("kind", "subject_id") if name == "sessions" else ("person_kind", "person_id")
    with world.admin.begin() as past:
        factory = Rows(past, world.a)
        ours, rival = (Rows(past, world.a).parent(company)["id"] for _ in range(2))
        people = [factory.make(users, partner_id=partner)["id"] for partner in (ours, rival)]
        rows = [factory.make(table, **{kind: "partner", who: person}) for person in people]
        foreign = factory.values(table, **{kind: "partner", who: people[1]})
    with world.scope(world.a, ours) as connection:
        seen = set(connection.scalars(select(table.c.id)))
        assert rows[0]["id"] in seen
        assert rows[1]["id"] not in seen
        with refused(connection):
            connection.execute(table.insert().values(foreign))
