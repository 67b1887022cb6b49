"""Alembic's entry: runs as the owner role, under an advisory lock, with short lock waits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context

from config.extensions import Base
from config.settings import get_settings
from migrations.models import import_all_models, is_compared

import_all_models()
target_metadata = Base.metadata
LOCK = 7_301_845  # any constant of ours: two upgrades at once wait for each other


def _configure(**kw: object) -> None:
    context.configure(
        target_metadata=target_metadata,
        include_object=is_compared,
        compare_server_default=False,
        transaction_per_migration=False,
        **kw,  # type: ignore[arg-type]
    )


def run_offline() -> None:
    """Print SQL (`alembic upgrade --sql`), for squawk and for careful operators."""
    _configure(url="postgresql+psycopg://", literal_binds=True, dialect_opts={"paramstyle": "named"})
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    """Migrate the database of this installation."""
    url = context.config.attributes.get("url") or get_settings().database_owner_url
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text("SET lock_timeout = '10s'"))
        connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})
        connection.commit()
        _configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
        connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK})
        connection.commit()
    engine.dispose()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
