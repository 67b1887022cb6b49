"""What the health doors ask the servers."""

from __future__ import annotations

from alembic.script import ScriptDirectory
from redis import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from config.extensions import ROOT, db, redis


def readiness() -> dict[str, bool]:
    """Whether PostgreSQL answers, has the newest migration, and Redis answers."""
    checks = {"postgresql": False, "migrations": False, "redis": False}
    try:
        with db.engines["system"].connect() as connection:
            version = connection.scalar(text("SELECT version_num FROM alembic_version"))
        checks["postgresql"] = True
        checks["migrations"] = version == ScriptDirectory(str(ROOT / "migrations")).get_current_head()
    except SQLAlchemyError:
        pass
    try:
        checks["redis"] = bool(redis().ping())
    except RedisError:
        pass
    return checks
