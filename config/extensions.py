"""Extensions, made here without an app and bound in create_app(); nothing connects on import."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app
from flask_babel import Babel
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_smorest import Api
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect
from redis import Redis
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

from config.settings import ROOT, Settings

__all__ = ["ROOT", "Base", "api", "babel", "csrf", "db", "init_app", "limiter", "login_manager", "redis"]


class Base(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(model_class=Base)
babel = Babel()
csrf = CSRFProtect()
login_manager = LoginManager()
limiter = Limiter(key_func=get_remote_address, headers_enabled=True)


def engine_options(settings: Settings) -> dict[str, Any]:
    """Pool settings: a thread of the web server never waits for a connection of its own process."""
    application = f"perennial-{settings.env}"
    return {
        "pool_size": 8,
        "max_overflow": 8,
        "pool_pre_ping": False,
        "pool_recycle": 1800,
        # A query over an empty, analysed table must not pin a sequential scan in this connection.
        "connect_args": {"application_name": application, "prepare_threshold": 3},
    }


def _init_api(app: Flask) -> Api:
    app.config.update(
        API_TITLE="Perennial",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api/v1",
        OPENAPI_JSON_PATH="openapi.json",
    )
    return Api(app)


def api(app: Flask) -> Api:
    """flask-smorest's registry, on which the JSON doors hang."""
    registry: Api = app.extensions["perennial_api"]
    return registry


def init_app(app: Flask, settings: Settings) -> None:
    """Bind the extensions to the app."""
    options = engine_options(settings)
    hot = {**options["connect_args"], "autocommit": True}
    app.config.update(
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=options,
        SQLALCHEMY_BINDS={
            "system": {"url": settings.database_system_url, "pool_size": 2, "max_overflow": 4},
            # One statement, committed by itself: nothing to reset when a connection comes back.
            "hot": {"url": settings.database_url, **options, "pool_reset_on_return": None, "connect_args": hot},
        },
        RATELIMIT_STORAGE_URI=settings.redis_url.replace("unix://", "redis+unix://"),
        RATELIMIT_SWALLOW_ERRORS=True,
        RATELIMIT_KEY_PREFIX="perennial",
    )
    db.init_app(app)
    csrf.init_app(app)
    login_manager.init_app(app)
    limiter.init_app(app)
    app.extensions["perennial_api"] = _init_api(app)
    app.extensions["redis"] = Redis.from_url(settings.redis_url, socket_timeout=5, health_check_interval=30)


def redis() -> Redis:
    """The Redis client of this process (pooled, thread-safe)."""
    client: Redis = current_app.extensions["redis"]
    return client
