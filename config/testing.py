"""Databases for the tests: one migrated template, one quick copy per pytest worker.

The copies are made with ``CREATE DATABASE … TEMPLATE``, which takes a fraction
of a second; the template is made again whenever a migration changes. The
tests reach them through the app role, as the application does.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from psycopg import sql
from redis import Redis
from sqlalchemy.engine import make_url

from config import bootstrap, servers

TEMPLATE = "perennial_template"
LOCK = 7_301_850


def _fingerprint() -> str:
    """A digest of everything the schema is made of."""
    digest = hashlib.sha256()
    for path in sorted((bootstrap.ROOT / "migrations").rglob("*.*")):
        if path.suffix in {".py", ".sql"}:
            digest.update(path.read_bytes())
    digest.update(Path(bootstrap.__file__).read_bytes())
    return digest.hexdigest()[:12]


def _at(url: str, database: str) -> str:
    return bootstrap.render(make_url(url).set(database=database))


def make_template(admin_url: str) -> str:
    """Make the migrated template database unless it is there; its name. Safe when workers race."""
    name = f"{TEMPLATE}_{_fingerprint()}"
    with bootstrap.connect(admin_url, database="postgres") as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        row = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", (name,)
        ).fetchone()
        if row and row[0] == "complete":
            return name
        stale = connection.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (TEMPLATE,))
        for (old,) in stale.fetchall():
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(str(old))))
        environment = {"DATABASE_URL": _at(admin_url, name)}
        bootstrap.prepare(environment)
        bootstrap.migrate(bootstrap.derive(environment["DATABASE_URL"]).owner)
        connection.execute(sql.SQL("COMMENT ON DATABASE {} IS 'complete'").format(sql.Identifier(name)))
    return name


def fresh_database(admin_url: str, name: str) -> bootstrap.Urls:
    """A migrated, empty database called ``name``, replacing one that is there; the addresses of its roles."""
    template = make_template(admin_url)
    with bootstrap.connect(admin_url, database="postgres") as connection:
        # Two copies of one template at once are refused by PostgreSQL.
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        bootstrap.make_database(connection, name, template=template)
    return bootstrap.derive(_at(admin_url, name))


def drop_database(admin_url: str, name: str) -> None:
    """Drop the database ``name``, disconnecting whoever uses it."""
    with bootstrap.connect(admin_url, database="postgres") as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def environment(worker: str = "master", env: Mapping[str, str] | None = None) -> Iterator[dict[str, str]]:
    """Servers, a fresh database and a Redis database of its own for the pytest worker ``worker``.

    Yields the variables to put into ``os.environ`` before the app is made. The
    servers are the embedded ones under ``$PERENNIAL_STATE/test`` (default
    ``./var/test``), or those that ``DATABASE_URL`` and ``REDIS_URL`` name.
    """
    env = os.environ if env is None else env
    state = servers.state_dir(env) / "test"
    claimed = servers.lease({**env, "PERENNIAL_STATE": str(state)})
    try:
        admin = claimed.environment["DATABASE_URL"]
        urls = fresh_database(admin, f"perennial_test_{worker}")
        redis_url = _redis_of(claimed.environment["REDIS_URL"], worker)
        with Redis.from_url(redis_url) as client:
            client.flushdb()
        yield {
            **claimed.environment,
            "PERENNIAL_ENV": "test",
            "PERENNIAL_STATE": str(state / worker),
            "DATABASE_URL": urls.admin,
            "DATABASE_APP_URL": urls.app,
            "DATABASE_OWNER_URL": urls.owner,
            "DATABASE_SYSTEM_URL": urls.system,
            "REDIS_URL": redis_url,
        }
    finally:
        claimed.release()


def _redis_of(url: str, worker: str) -> str:
    """``url`` with the Redis database of this worker: master 1, gw0 2, gw1 3 and so on."""
    number = 1 if worker == "master" else int(worker.removeprefix("gw")) + 2
    base, _, _ = url.partition("?")
    if base.startswith("unix:"):
        return f"{base}?db={number}"
    scheme, _, rest = base.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}/{number}"
