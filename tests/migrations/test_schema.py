"""The migrations: one head, both ways, equal to the models, every table locked."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import create_engine, text

from config import bootstrap, testing
from config.extensions import ROOT, Base
from migrations.models import import_all_models, is_compared
from tests.isolation import locks


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory(str(ROOT / "migrations")).get_heads()) == 1


@pytest.fixture
def scratch(servers: None) -> Iterator[bootstrap.Urls]:
    """A migrated database of its own."""
    name = f"perennial_updown_{os.getpid()}"
    yield testing.fresh_database(os.environ["DATABASE_URL"], name)
    testing.drop_database(os.environ["DATABASE_URL"], name)


def alembic_config(url: str) -> Config:
    config = Config(str(ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["url"] = url
    return config


def relations(url: str) -> list[tuple[str, str]]:
    query = """
    SELECT 'relation', relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'function', oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'type', typname::text FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'
    UNION ALL SELECT 'policy', polname || ' on ' || polrelid::regclass FROM pg_policy
    ORDER BY 1, 2
    """
    engine = create_engine(url)
    with engine.connect() as connection:
        found = [(str(row[0]), str(row[1])) for row in connection.execute(text(query))]
    engine.dispose()
    return found


def test_up_down_up(scratch: bootstrap.Urls) -> None:
    config = alembic_config(scratch.owner)
    before = relations(scratch.admin)
    command.downgrade(config, "base")
    left = [name for kind, name in relations(scratch.admin) if not name.startswith("alembic_version")]
    assert left == []
    command.upgrade(config, "head")
    assert relations(scratch.admin) == before


def test_models_and_schema_are_the_same(app: Flask) -> None:
    import_all_models()
    engine = create_engine(os.environ["DATABASE_OWNER_URL"])
    with engine.connect() as connection:
        options = {"include_object": is_compared, "compare_type": True}
        found = compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)
    engine.dispose()
    assert [str(difference) for difference in found] == []


def test_every_table_is_locked(app: Flask) -> None:
    engine = create_engine(os.environ["DATABASE_OWNER_URL"])
    with engine.connect() as connection:
        found = locks.faults(connection)
    engine.dispose()
    assert found == []
