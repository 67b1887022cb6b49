"""Roles, database and schema: what must exist before the first process may serve.

Three roles, because row-level security binds nobody who owns the tables:
``perennial_owner`` owns and migrates; ``perennial_app`` serves web and jobs and
sees one tenant at a time; ``perennial_system`` is for the relay, the operator
and look-ups before a tenant is known.

    python -m config.bootstrap          make roles and database, migrate
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import errors, sql
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from config.processes import ServerError

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "perennial"
OWNER, APP, SYSTEM = "perennial_owner", "perennial_app", "perennial_system"
OLDEST = 150000
LOCK = 7_301_844  # migrations take the next number
# What no request or job may exceed; a batch that needs longer is cut into chunks.
LIMITS = {
    APP: {"statement_timeout": "120s", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "300s"},
    SYSTEM: {"statement_timeout": "300s", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "300s"},
    OWNER: {"lock_timeout": "10s"},
}


@dataclass(frozen=True)
class Urls:
    """One address per role, as SQLAlchemy writes them."""

    admin: str
    owner: str
    app: str
    system: str


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        message = "DATABASE_URL is not an address such as postgresql://name:password@host:5432/perennial."
        raise ServerError(message) from error
    if parsed.get_backend_name() not in {"postgresql", "postgres"}:
        message = f"Perennial keeps its data in PostgreSQL only; DATABASE_URL names {parsed.get_backend_name()}."
        raise ServerError(message)
    return parsed.set(drivername="postgresql+psycopg")


def render(url: URL) -> str:
    """``url`` in full, in a spelling that SQLAlchemy and libpq both read: libpq takes "+" for itself, not a space."""
    base, mark, query = url.render_as_string(hide_password=False).partition("?")
    return base + mark + query.replace("+", "%20")


def normalised(url: str) -> str:
    """``url`` with the driver we use, whichever of the common spellings it came in."""
    return render(_parse(url))


def libpq(url: str) -> str:
    """``url`` as psycopg and the PostgreSQL tools read it."""
    return render(_parse(url).set(drivername="postgresql"))


def derive(admin_url: str) -> Urls:
    """The addresses of the three roles, from that of a role that may create them.

    Their passwords are derived from its password, so that one variable is
    enough; an address without a password (a private socket) gives none.
    """
    admin = _parse(admin_url)
    if admin.database in {None, "", "postgres"}:
        admin = admin.set(database=DATABASE)

    def of(role: str) -> str:
        password = _password(admin, role)
        return render(admin.set(username=role, password=password))

    return Urls(render(admin), of(OWNER), of(APP), of(SYSTEM))


def _password(admin: URL, role: str) -> str | None:
    if not admin.password:
        return None
    return hmac.new(str(admin.password).encode(), f"perennial role {role}".encode(), hashlib.sha256).hexdigest()


def connect(url: str, *, database: str | None = None) -> psycopg.Connection[tuple[object, ...]]:
    """An autocommit connection to ``url``; raises ServerError, in a sentence, when there is none to be had."""
    parsed = _parse(url)
    if database:
        parsed = parsed.set(database=database)
    try:
        return psycopg.connect(libpq(render(parsed)), autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        message = f"PostgreSQL at {parsed.set(password=None)} does not let us in: {reason}"
        raise ServerError(message) from error


def prepare(env: Mapping[str, str]) -> bool:
    """Make what is missing of roles, database and grants; True if the database was made.

    Needs ``DATABASE_URL`` to name a role that may create roles. With the three
    role addresses given instead, an administrator has done this (docs/operations.md).
    """
    admin_url = env.get("DATABASE_URL")
    if not admin_url:
        return False
    admin = _parse(admin_url)
    name = str(admin.database)
    with _maintenance(admin_url, name) as connection:
        if connection.info.server_version < OLDEST:
            message = f"PostgreSQL 15 or newer is needed; this one is {connection.info.server_version // 10000}."
            raise ServerError(message)
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        _make_roles(connection, admin, given=env)
        created = make_database(connection, name)
    with connect(admin_url) as connection:
        grant(connection, name)
    return created


def _maintenance(admin_url: str, name: str) -> psycopg.Connection[tuple[object, ...]]:
    """A connection from which ``name`` can be made: to itself if it exists, else to ``postgres``."""
    with suppress(ServerError):
        return connect(admin_url, database="postgres")
    return connect(admin_url, database=name)


def _make_roles(connection: psycopg.Connection[tuple[object, ...]], admin: URL, *, given: Mapping[str, str]) -> None:
    derived = derive(render(admin))
    wanted = {OWNER: derived.owner, APP: derived.app, SYSTEM: derived.system}
    variables = {OWNER: "DATABASE_OWNER_URL", APP: "DATABASE_APP_URL", SYSTEM: "DATABASE_SYSTEM_URL"}
    for role, url in wanted.items():
        if given.get(variables[role], "") not in {"", url}:
            continue  # this role's address was given, so it is somebody else's to make
        _make_role(connection, role, _password(admin, role))


def _make_role(connection: psycopg.Connection[tuple[object, ...]], role: str, password: str | None) -> None:
    name = sql.Identifier(role)
    try:
        exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
        if not exists:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE").format(name))
            if password:
                connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(password)))
            for setting, value in {"timezone": "UTC", **LIMITS[role]}.items():
                connection.execute(sql.SQL("ALTER ROLE {} SET {} = {}").format(name, sql.Identifier(setting), value))
        if role == OWNER:
            # A role that is no superuser must be a member to make a database for it.
            connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(name))
    except errors.InsufficientPrivilege as error:
        message = (
            f"The role in DATABASE_URL may not create the role {role}. Let it (ALTER ROLE … CREATEROLE CREATEDB), "
            "or make the three roles by hand and set their addresses: docs/operations.md shows how."
        )
        raise ServerError(message) from error


def make_database(
    connection: psycopg.Connection[tuple[object, ...]], name: str, *, template: str = "template0"
) -> bool:
    """Make the database ``name`` for the owner role unless it exists; True if it was made."""
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
        return False
    command = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
        sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template)
    )
    if template == "template0":
        command += sql.SQL(" ENCODING 'UTF8'")
    connection.execute(command)
    return True


def grant(connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    """Let the roles into the database ``name``, to which ``connection`` leads; migrations grant each table."""
    roles = {"owner": sql.Identifier(OWNER), "app": sql.Identifier(APP), "system": sql.Identifier(SYSTEM)}
    for statement in (
        "GRANT CONNECT, TEMPORARY, CREATE ON DATABASE {database} TO {owner}",
        "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {app}, {system}",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        "GRANT USAGE, CREATE ON SCHEMA public TO {owner}",
        "GRANT USAGE ON SCHEMA public TO {app}, {system}",
    ):
        connection.execute(sql.SQL(statement).format(database=sql.Identifier(name), **roles))


def _version(owner_url: str) -> str | None:
    """The revision of the schema; None before the first migration."""
    with connect(owner_url) as connection:
        there = connection.execute("SELECT to_regclass('public.alembic_version') IS NOT NULL").fetchone()
        if not there or not there[0]:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else None


def has_schema(owner_url: str) -> bool:
    """Whether the database has been migrated at all."""
    return _version(owner_url) is not None


def migrate(owner_url: str, *, revision: str = "head") -> None:
    """Bring the schema to ``revision`` as the owner. Waits for a migration that is under way."""
    from alembic import command  # noqa: PLC0415  heavy, and a server that is up to date does not need it
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    configuration = Config(str(ROOT / "alembic.ini"))
    configuration.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    configuration.attributes["url"] = owner_url
    if revision == "head" and _version(owner_url) == ScriptDirectory.from_config(configuration).get_current_head():
        return  # env.py would load every model to find that there is nothing to do
    command.upgrade(configuration, revision)
    with connect(owner_url) as connection:
        # /readyz asks, as the app, whether the schema is the newest.
        roles = sql.SQL(", ").join(map(sql.Identifier, (APP, SYSTEM)))
        connection.execute(sql.SQL("GRANT SELECT ON alembic_version TO {}").format(roles))


def upgrade(env: Mapping[str, str]) -> None:
    """Roles, database, grants and schema, for the servers ``env`` names. Nothing to do is quickly done."""
    prepare(env)
    migrate(env["DATABASE_OWNER_URL"])


def main() -> int:
    """``make upgrade``: migrate the installation, running or not."""
    from config import servers  # noqa: PLC0415  servers imports this module

    try:
        claimed = servers.lease(os.environ)
        try:
            upgrade({**os.environ, **claimed.environment})
        finally:
            claimed.release()
    except ServerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("The database is up to date.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
