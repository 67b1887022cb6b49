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
def app(servers: None) -> Iterator[Flask]:
    """The app as it runs, but in the test environment."""
    from app import create_app  # settings are read on import of the app's parts

    made = create_app()
    made.config["WTF_CSRF_ENABLED"] = False  # test_csrf_is_asked_for turns it on
    yield made
    from config.extensions import db

    with made.app_context():
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture
def context(app: Flask) -> Iterator[Flask]:
    """An app context, for code below the doors."""
    from config.extensions import db

    with app.app_context():
        yield app
        db.session.remove()


@pytest.fixture
def make_tenant(app: Flask) -> Callable[..., TenantInfo]:
    """Make further tenants: make_tenant(zone="Asia/Shanghai", currency="CNY", locale="zh_Hans_CN")."""
    from tenants.directory.services import create_tenant
    from tenants.info import tenant_info

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
    from config.extensions import db
    from tenants.scope import tenant_scope

    with tenant_scope(tenant.id):
        yield db.session


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that nobody is signed in with."""
    return app.test_client()


@pytest.fixture
def query_count(app: Flask) -> Callable[[], AbstractContextManager[list[str]]]:
    """`with query_count() as seen:` collects the statements that the app role ran, without SET LOCAL."""
    from config.extensions import db

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


class TenantClient(FlaskClient):
    """A browser inside one tenant: paths are the tenant's own ("/admin/staff/"), the prefix is added."""

    root = ""

    def open(self, *args, **kwargs):  # type: ignore[no-untyped-def]  # werkzeug's signature
        if args and isinstance(args[0], str) and args[0].startswith("/") and not args[0].startswith(f"{self.root}/"):
            args = (self.root + args[0], *args[1:])
        return super().open(*args, **kwargs)


@pytest.fixture
def browser_in(app: Flask) -> Callable[[TenantInfo], TenantClient]:
    """A browser inside a tenant, nobody signed in: browser_in(tenant).get("/admin/signin")."""

    def make(where: TenantInfo) -> TenantClient:
        client = TenantClient(app, app.response_class, use_cookies=True)
        client.root = f"/t/{where.slug}"
        return client

    return make


@pytest.fixture
def sign_in(app: Flask, browser_in: Callable[[TenantInfo], TenantClient]) -> Callable[..., TenantClient]:
    """Sign somebody in without a page: sign_in(tenant, kind="member", subject_id=…, face="portal")."""
    from config.extensions import db
    from tenants.accounts.login import cookie_for
    from tenants.accounts.sessions import start_session
    from tenants.scope import tenant_scope

    def make(where: TenantInfo, *, kind: str, subject_id: uuid.UUID, face: str) -> TenantClient:
        with app.app_context(), tenant_scope(where.id):
            token = start_session(kind=kind, subject_id=subject_id, face=face)
            db.session.commit()
        client = browser_in(where)
        name, value = cookie_for(app, kind=kind, token=token, face=face)
        client.set_cookie(name, value, path=f"{client.root}/")
        return client

    return make


@pytest.fixture
def staff_client(app: Flask, tenant: TenantInfo, sign_in: Callable[..., TenantClient]) -> Callable[..., TenantClient]:
    """A browser of somebody on the staff: staff_client("manager"), staff_client("cashier", face="till")."""
    from config.extensions import db
    from tenants.accounts.services import create_staff
    from tenants.scope import tenant_scope

    def make(*roles: str, where: TenantInfo | None = None, face: str = "admin") -> TenantClient:
        place = where or tenant
        email = f"{roles[0]}.{uuid.uuid4().hex[:8]}@{place.slug}.example"
        with app.app_context(), tenant_scope(place.id):
            account_id = create_staff(email=email, name=roles[0].title(), password="correct horse", roles=roles)
            db.session.commit()
        client = sign_in(place, kind="staff", subject_id=account_id, face=face)
        client.account_id, client.email = account_id, email  # type: ignore[attr-defined]
        return client

    return make


@pytest.fixture
def member_client(tenant: TenantInfo, sign_in: Callable[..., TenantClient]) -> Callable[..., TenantClient]:
    """A member's phone: member_client(member) takes a member or its id."""

    def make(member: object, where: TenantInfo | None = None) -> TenantClient:
        subject_id = getattr(member, "id", member)
        return sign_in(where or tenant, kind="member", subject_id=subject_id, face="portal")

    return make


@pytest.fixture
def partner_client(tenant: TenantInfo, sign_in: Callable[..., TenantClient]) -> Callable[..., TenantClient]:
    """A partner user's browser: partner_client(user) takes a partner user or its id."""

    def make(user: object, where: TenantInfo | None = None) -> TenantClient:
        return sign_in(where or tenant, kind="partner", subject_id=getattr(user, "id", user), face="partner")

    return make


@pytest.fixture
def api_client(
    app: Flask, tenant: TenantInfo, browser_in: Callable[[TenantInfo], TenantClient]
) -> Callable[..., TenantClient]:
    """A program with a key: api_client("purchases:write").post("/api/v1/purchases", json=…). `.key` is the key."""
    from config.extensions import db
    from tenants.integrations.services import issue_key
    from tenants.scope import tenant_scope

    def make(*scopes: str, where: TenantInfo | None = None) -> TenantClient:
        place = where or tenant
        with app.app_context(), tenant_scope(place.id):
            key = issue_key("test", scopes)
            db.session.commit()
        client = browser_in(place)
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
        client.key = key  # type: ignore[attr-defined]
        return client

    return make


@pytest.fixture
def operator_client(app: Flask) -> FlaskClient:
    """The operator's browser, outside all tenants."""
    from tenants.accounts.login import cookie_for
    from tenants.accounts.operators import start_operator_session
    from tenants.accounts.services import create_operator

    with app.app_context():
        ident = uuid.uuid4().hex[:8]
        account_id = create_operator(
            email=f"operator.{ident}@perennial.example", name="Operator", password="correct horse"
        )
        token = start_operator_session(account_id)
    client = app.test_client()
    name, value = cookie_for(app, kind="operator", token=token, face="console")
    client.set_cookie(name, value)
    return client
