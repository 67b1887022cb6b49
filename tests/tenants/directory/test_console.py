"""The operator sees all tenants and nobody else sees the console."""

from __future__ import annotations

from sqlalchemy import text

from config.extensions import db
from tenants.accounts import services as accounts
from tenants.directory.console_services import purge_demo
from tenants.scope import system_session, tenant_scope


def test_a_stranger_is_sent_to_sign_in(client):
    assert "/console/signin" in client.get("/console/").location


def test_an_operator_signs_in_with_a_password(app, client):
    with app.app_context():
        accounts.create_operator(email="op.one@perennial.example", name="Op", password="correct horse")
    wrong = client.post("/console/signin", data={"email": "op.one@perennial.example", "password": "wrong wrong"})
    assert wrong.status_code == 422
    assert (
        client.post(
            "/console/signin", data={"email": "op.one@perennial.example", "password": "correct horse"}
        ).status_code
        == 303
    )
    assert client.get("/console/").status_code == 200
    assert client.post("/console/signout").status_code == 303
    assert client.get("/console/").status_code == 303


def test_staff_of_a_tenant_is_no_operator(app, tenant, client):
    email = f"boss@{tenant.slug}.example"
    with app.app_context(), tenant_scope(tenant.id):
        accounts.create_staff(email=email, name="Boss", password="correct horse", roles=["owner"])
        db.session.commit()
    assert client.post("/console/signin", data={"email": email, "password": "correct horse"}).status_code == 422


def test_tenants_are_listed_found_shown_and_suspended(operator_client, tenant, staff_client):
    staff = staff_client("owner")
    listed = operator_client.get(f"/console/?q={tenant.slug}").get_data(as_text=True)
    assert tenant.slug in listed
    shown = operator_client.get(f"/console/tenants/{tenant.id}").get_data(as_text=True)
    assert staff.email in shown
    assert operator_client.post(f"/console/tenants/{tenant.id}/status/suspended").status_code == 303
    from tenants.info import forget_tenants

    forget_tenants()
    assert staff.get("/admin/account/").status_code == 404
    operator_client.post(f"/console/tenants/{tenant.id}/status/active")
    forget_tenants()
    assert staff.get("/admin/account/").status_code == 303  # everybody was signed out
    for path in ("/console/queues", "/console/health", "/console/tenants/new"):
        assert operator_client.get(path).status_code == 200
    assert operator_client.get("/console/tenants/00000000-0000-7000-8000-000000000000").status_code == 404


def test_the_operator_opens_a_tenant(operator_client, app):
    data = {"name": "Opened by hand", "slug": "opened-by-hand", "country": "DE", "email": "first@opened.example"}
    answer = operator_client.post("/console/tenants/new", data=data)
    assert answer.status_code == 303
    shown = operator_client.get(answer.location).get_data(as_text=True)
    assert "EUR" in shown
    assert "Europe/Berlin" in shown


def test_the_demo_goes_and_nothing_else(make_tenant, tenant, app, staff_client):
    staff_client("owner")
    with app.app_context(), system_session() as session:
        session.execute(text("UPDATE tenants SET is_demo = false WHERE is_demo"))
    demo = make_tenant(name="Demo")
    staff_client("owner", where=demo)
    with app.app_context():
        with system_session() as session:
            session.execute(text("UPDATE tenants SET is_demo = true WHERE id = :id"), {"id": demo.id})
        deleted = purge_demo()
        assert deleted["memberships"] == 1
        assert deleted["tenants"] == 1
        assert deleted["events"] >= 2
        with system_session() as session:
            assert (
                session.scalar(text("SELECT count(*) FROM memberships WHERE tenant_id = :id"), {"id": tenant.id}) == 1
            )
            assert (
                session.scalar(
                    text("SELECT count(*) FROM accounts WHERE email LIKE :mail"), {"mail": f"%@{demo.slug}.example"}
                )
                == 0
            )
        assert purge_demo() == {}


def test_an_operator_turns_two_steps_on_and_signs_in_with_them(app, client):
    import re

    import pyotp

    data = {"email": "op.two@perennial.example", "password": "correct horse"}
    with app.app_context():
        ident = accounts.create_operator(name="Op", **data)
    client.post("/console/signin", data=data)
    secret = re.search(
        r"data-copy=\"([A-Z2-7]{32})\"", client.get("/console/account/second-step").get_data(as_text=True)
    )[1]
    shown = client.post("/console/account/second-step", data={"code": pyotp.TOTP(secret).now()}).get_data(as_text=True)
    recovery = re.search(r"<code>([a-z2-9]{5}-[a-z2-9]{5})</code>", shown)[1]
    other = app.test_client()
    assert other.post("/console/signin", data=data).location.endswith("/console/signin/code")
    assert other.get("/console/").status_code == 303
    assert other.post("/console/signin/code", data={"code": recovery}).status_code == 303
    assert other.get("/console/").status_code == 200
    assert (
        client.post("/console/account/password", data={"current": "nope", "new": "a better horse"}).status_code == 422
    )
    assert (
        client.post("/console/account/password", data={"current": "correct horse", "new": "a better horse"}).status_code
        == 303
    )
    assert client.get("/console/").status_code == 200
    assert other.get("/console/").status_code == 303
    assert client.post("/console/account/second-step/off", data={"password": "a better horse"}).status_code == 303
    assert ident
