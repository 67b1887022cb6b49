"""Addresses derived from one, leases, and the databases of the tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from config import bootstrap, servers, testing
from config.embedded import EmbeddedPostgres
from config.processes import ServerError


def test_roles_are_derived_from_one_address() -> None:
    urls = bootstrap.derive("postgres://admin:s%40cret@db.example:6432/shop?sslmode=require")
    app, owner = make_url(urls.app), make_url(urls.owner)
    assert (app.username, app.host, app.port, app.database) == ("perennial_app", "db.example", 6432, "shop")
    assert app.query["sslmode"] == "require"
    assert app.password
    assert app.password != owner.password
    assert "s%40cret" not in urls.app
    assert (
        bootstrap.derive("postgres://admin:s%40cret@db.example/shop").app
        != bootstrap.derive("postgres://admin:x@db.example/shop").app
    )


def test_address_without_password_gives_none() -> None:
    urls = bootstrap.derive("postgresql://postgres@/postgres?host=/run/pg")
    assert make_url(urls.app).password is None
    assert make_url(urls.app).database == bootstrap.DATABASE


@pytest.mark.parametrize(("url", "said"), [("mysql://a@b/c", "PostgreSQL only"), ("nonsense", "not an address")])
def test_wrong_address_is_a_sentence(url: str, said: str) -> None:
    with pytest.raises(ServerError, match=said):
        bootstrap.derive(url)


def test_unreachable_server_is_a_sentence_without_the_password() -> None:
    with pytest.raises(ServerError, match="does not let us in") as caught:
        bootstrap.connect("postgresql://x:hidden@127.0.0.1:1/db")
    assert "hidden" not in str(caught.value)


def test_space_in_the_socket_path_reaches_libpq() -> None:
    urls = bootstrap.derive("postgresql://postgres@/shop?host=%2Fa%20b")
    assert "host=%2Fa%20b" in urls.app
    assert make_url(urls.app).query["host"] == "/a b"


def test_given_addresses_win(tmp_path: Path) -> None:
    given = {
        "PERENNIAL_STATE": str(tmp_path),
        "DATABASE_APP_URL": "postgresql://a@h/d",
        "DATABASE_OWNER_URL": "postgresql://o@h/d",
        "DATABASE_SYSTEM_URL": "postgresql://s@h/d",
        "REDIS_URL": "redis://h/0",
    }
    found = servers.addresses(given)
    assert found["DATABASE_APP_URL"] == "postgresql+psycopg://a@h/d"
    assert found["REDIS_URL"] == "redis://h/0"
    assert servers.lease(given).handle is None, "nothing embedded is started"


def test_last_lease_stops_the_servers(tmp_path: Path) -> None:
    env = {"PERENNIAL_STATE": str(tmp_path / "state")}
    first, second = servers.lease(env), servers.lease(env)
    server = EmbeddedPostgres(tmp_path / "state")
    first.release()
    assert server.running(), "the second still holds it"
    second.release()
    second.release()
    assert not server.running()


def test_app_role_owns_nothing_and_bypasses_nothing() -> None:
    with bootstrap.connect(os.environ["DATABASE_APP_URL"]) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb,"
            " EXISTS (SELECT 1 FROM pg_class WHERE relowner = pg_roles.oid) FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert row == (False, False, False, False, False)
        assert not connection.execute("SELECT has_schema_privilege('public', 'CREATE')").fetchone()[0]  # type: ignore[index]


def test_fresh_database_is_migrated_and_empty() -> None:
    admin = os.environ["DATABASE_URL"]
    urls = testing.fresh_database(admin, "perennial_test_fresh")
    try:
        assert bootstrap.has_schema(urls.owner)
        assert not bootstrap.prepare({"DATABASE_URL": urls.admin}), "nothing is left to make"
        with bootstrap.connect(urls.system) as connection:
            assert connection.execute("SELECT count(*) FROM tenants").fetchone() == (0,)
    finally:
        testing.drop_database(admin, "perennial_test_fresh")


@pytest.mark.parametrize(
    ("url", "expected"),
    [("unix:///s/r.sock?db=0", "unix:///s/r.sock?db=3"), ("redis://:pw@h:6379/0", "redis://:pw@h:6379/3")],
)
def test_each_worker_has_its_redis_database(url: str, expected: str) -> None:
    assert testing._redis_of(url, "gw1") == expected


@pytest.fixture
def foreign_server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server of somebody else's, whose administrator gave us a role that may create roles and databases."""
    server = EmbeddedPostgres(tmp_path / "theirs")
    server.start()
    with bootstrap.connect(server.url()) as connection:
        connection.execute("CREATE ROLE managed LOGIN CREATEROLE CREATEDB PASSWORD 'pw'")
        connection.execute("CREATE ROLE poor LOGIN PASSWORD 'pw'")
    yield server
    server.stop()


def test_managed_server_needs_no_superuser(foreign_server: EmbeddedPostgres) -> None:
    admin = foreign_server.url(role="managed:pw", database="shop")
    assert bootstrap.prepare({"DATABASE_URL": admin})
    urls = bootstrap.derive(admin)
    bootstrap.migrate(urls.owner)
    bootstrap.upgrade({"DATABASE_URL": admin, "DATABASE_OWNER_URL": urls.owner})  # a second time: nothing to do
    with bootstrap.connect(urls.app) as connection:
        owners = connection.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'").fetchall()
        assert owners == [("perennial_owner",)]
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)


def test_role_that_may_not_create_roles_is_told_what_helps(foreign_server: EmbeddedPostgres) -> None:
    with pytest.raises(ServerError, match=r"may not create the role perennial_owner.*CREATEROLE"):
        bootstrap.prepare({"DATABASE_URL": foreign_server.url(role="poor:pw", database="shop")})
