"""Prove the proof: in a scratch database one lock is taken off, and the suite's own checks see it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from config import testing
from tests.isolation import locks
from tests.isolation.conftest import World, make_world
from tests.isolation.rows import tenant_tables
from tests.isolation.test_tables import test_a_row_cannot_be_moved_to_another_tenant as moved
from tests.isolation.test_tables import test_read as read

MEMBERS = next(table for table in tenant_tables() if table.name == "members")


@pytest.fixture(scope="module")
def scratch(servers: None) -> Iterator[World]:
    """A database of its own, with two tenants."""
    name = f"perennial_scratch_{os.getpid()}"
    urls = testing.fresh_database(os.environ["DATABASE_URL"], name)
    made = make_world(urls.admin, urls.app)
    yield made
    made.admin.dispose()
    made.app.dispose()
    testing.drop_database(os.environ["DATABASE_URL"], name)


@pytest.fixture
def without(scratch: World, request: pytest.FixtureRequest) -> Iterator[World]:
    """The scratch database with a lock taken off, put on again afterwards."""
    take, put_back = request.param
    with scratch.admin.begin() as connection:
        connection.execute(text(take))
    yield scratch
    with scratch.admin.begin() as connection:
        connection.execute(text(put_back))


ALL = "CREATE POLICY tenant ON members TO perennial_app USING ({0}) WITH CHECK ({0})"
OWN = "tenant_id = current_setting('app.tenant_id')::uuid"


def test_nothing_is_wrong_to_begin_with(scratch: World) -> None:
    with scratch.admin.connect() as connection:
        assert locks.faults(connection) == []
    read(scratch, MEMBERS)


@pytest.mark.parametrize(
    "without",
    [("DROP POLICY tenant ON members; " + ALL.format("true"), "DROP POLICY tenant ON members; " + ALL.format(OWN))],
    indirect=True,
    ids=["an open policy"],
)
def test_an_open_policy_is_seen(without: World) -> None:
    with without.admin.connect() as connection:
        assert any(fault.startswith("members: the app role's") for fault in locks.faults(connection))
    with pytest.raises(AssertionError):
        read(without, MEMBERS)


@pytest.mark.parametrize(
    "without",
    [("DROP POLICY tenant ON members", ALL.format(OWN))],
    indirect=True,
    ids=["a dropped policy"],
)
def test_a_dropped_policy_is_seen(without: World) -> None:
    with without.admin.connect() as connection:
        assert any(fault.startswith("members: the app role's") for fault in locks.faults(connection))
    with pytest.raises(AssertionError):
        read(without, MEMBERS)  # fail-closed: the own row is gone too


@pytest.mark.parametrize(
    ("without", "expected"),
    [
        (
            ("ALTER TABLE members NO FORCE ROW LEVEL SECURITY", "ALTER TABLE members FORCE ROW LEVEL SECURITY"),
            "members: row-level security is not enabled and forced",
        ),
        (
            ("ALTER TABLE members DISABLE ROW LEVEL SECURITY", "ALTER TABLE members ENABLE ROW LEVEL SECURITY"),
            "members: row-level security is not enabled and forced",
        ),
        (
            ("CREATE INDEX stray ON members (number)", "DROP INDEX stray"),
            "members: index stray does not begin with tenant_id",
        ),
        (
            ("CREATE TABLE forgotten (id uuid PRIMARY KEY)", "DROP TABLE forgotten"),
            "forgotten: row-level security is not enabled and forced",
        ),
        (
            ("ALTER ROLE perennial_app BYPASSRLS", "ALTER ROLE perennial_app NOBYPASSRLS"),
            "perennial_app may do more than it must",
        ),
    ],
    indirect=["without"],
    ids=["not forced", "not enabled", "a plain index", "a forgotten table", "a role too strong"],
)
def test_each_forgotten_lock_is_named(without: World, expected: str) -> None:
    with without.admin.connect() as connection:
        assert expected in locks.faults(connection)


@pytest.mark.parametrize(
    "without",
    [("DROP POLICY tenant ON members; " + ALL.format("true"), "DROP POLICY tenant ON members; " + ALL.format(OWN))],
    indirect=True,
    ids=["an open policy"],
)
def test_a_moved_row_is_seen(without: World, refused: object) -> None:
    """With the policy open the move fails on references at best, which is not the refusal we ask for."""
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        moved(without, MEMBERS, refused)  # type: ignore[arg-type]
