"""What every test has: an app on real servers, as the app role, and a fresh tenant of its own.

Tests commit for real. What keeps them apart is what keeps customers apart: the tenant.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import Session, scoped_session

from config import testing
from tenants.info import TenantInfo


@pytest.fixture(scope="session", autouse=True)
def servers() -> Iterator[None]:
    """Embedded servers (or those of DATABASE_URL and REDIS_URL) and a database of this worker's own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "master")
    with testing.environment(worker) as variables:
        os.environ.update(variables)
        yield


@pytest.fixture(scope="session")
def app(servers: None) -> Flask:
    """The app as it runs, but in the test environment."""
    from app import create_app  # noqa: PLC0415  # settings are read on import of the app's parts

    return create_app()


@pytest.fixture
def context(app: Flask) -> Iterator[Flask]:
    """An app context, for code below the doors."""
    from config.extensions import db  # noqa: PLC0415

    with app.app_context():
        yield app
        db.session.remove()


@pytest.fixture
def make_tenant(app: Flask) -> Callable[..., TenantInfo]:
    """Make further tenants: make_tenant(zone="Asia/Shanghai", currency="CNY", locale="zh_Hans_CN")."""
    from tenants.directory.services import create_tenant  # noqa: PLC0415
    from tenants.info import tenant_info  # noqa: PLC0415

    def make(**given: str) -> TenantInfo:
        values = {"name": "Harbour & Vale", "country": "GB", "locale": "en_GB"}
        values |= {"currency": "GBP", "zone": "Europe/London", "slug": f"t{uuid.uuid4().hex[:12]}", **given}
        with app.app_context():
            return tenant_info(create_tenant(**values))

    return make


@pytest.fixture
def tenant(make_tenant: Callable[..., TenantInfo]) -> TenantInfo:
    """A fresh British tenant."""
    return make_tenant()


@pytest.fixture
def other_tenant(make_tenant: Callable[..., TenantInfo]) -> TenantInfo:
    """A second tenant, who must see nothing of the first."""
    return make_tenant(name="Other")


@pytest.fixture
def scope(context: Flask, tenant: TenantInfo) -> Iterator[scoped_session[Session]]:
    """The tenant's scope; yields the session. The test commits what must be seen elsewhere."""
    from config.extensions import db  # noqa: PLC0415
    from tenants.scope import tenant_scope  # noqa: PLC0415

    with tenant_scope(tenant.id):
        yield db.session


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that nobody is signed in with."""
    return app.test_client()


@pytest.fixture
def query_count(app: Flask) -> Callable[[], AbstractContextManager[list[str]]]:
    """`with query_count() as seen:` collects the statements that the app role ran, without SET LOCAL."""
    from config.extensions import db  # noqa: PLC0415

    @contextmanager
    def count() -> Iterator[list[str]]:
        seen: list[str] = []

        def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
            if not statement.startswith("SET LOCAL"):
                seen.append(statement)

        with app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(engine, "before_cursor_execute", note)

    return count

