"""Owners invite, change roles, suspend and remove; the last owner stays."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from config.extensions import db
from tenants.accounts import queries, services
from tenants.accounts.errors import LastOwner
from tenants.delivery.models import Message
from tenants.scope import tenant_scope


def kinds(app, tenant):
    with app.app_context(), tenant_scope(tenant.id):
        return [row[0] for row in db.session.execute(text("SELECT kind FROM events ORDER BY id"))]


def test_invite_accept_and_withdraw(staff_client, browser_in, tenant, app):
    owner = staff_client("owner")
    email = f"new@{tenant.slug}.example"
    assert owner.post("/admin/staff/invite", data={"email": email}).status_code == 422
    assert owner.post("/admin/staff/invite", data={"email": email, "roles": ["cashier", "care"]}).status_code == 303
    page = owner.get("/admin/staff/").get_data(as_text=True)
    assert email in page
    with app.app_context(), tenant_scope(tenant.id):
        message = db.session.query(Message).filter(Message.template == "invitation").one()
        link = re.search(r"/admin/invitation/\S+", message.context["url"])[0]
    guest = browser_in(tenant)
    assert guest.post(link, data={"name": "New", "password": "correct horse"}).status_code == 303
    assert guest.get("/admin/account/").status_code == 200
    assert guest.get("/admin/staff/").status_code == 403
    assert owner.post("/admin/staff/invite", data={"email": email, "roles": ["owner"]}).status_code == 409
    owner.post("/admin/staff/invite", data={"email": "x@x.example", "roles": ["owner"]})
    withdraw = re.search(
        r"/admin/staff/invitations/[^\"/]+/withdraw", owner.get("/admin/staff/").get_data(as_text=True)
    )[0]
    assert owner.post(withdraw).status_code == 303
    assert "x@x.example" not in owner.get("/admin/staff/").get_data(as_text=True)
    assert {"staff.invited", "staff.joined", "staff.invitation_withdrawn"} <= set(kinds(app, tenant))


def test_roles_suspension_and_removal_hold_at_once(staff_client, tenant, app):
    owner, ana = staff_client("owner"), staff_client("analyst")
    url = f"/admin/staff/{ana.account_id}"
    assert owner.get(url).status_code == 200
    assert ana.get("/admin/branding/").status_code == 403
    assert owner.post(url, data={"roles": ["manager"]}).status_code == 303
    assert ana.get("/admin/branding/").status_code == 200
    assert owner.post(f"{url}/status/suspended").status_code == 303
    assert ana.get("/admin/account/").status_code == 303
    owner.post(f"{url}/status/active")
    assert ana.get("/admin/account/").status_code == 303  # the session ended with the suspension
    assert owner.post(f"{url}/remove").status_code == 303
    assert owner.get(url).status_code == 404
    assert {"staff.roles_changed", "staff.status_changed"} <= set(kinds(app, tenant))


def test_the_last_owner_cannot_go(staff_client, tenant, app):
    owner = staff_client("owner")
    url = f"/admin/staff/{owner.account_id}"
    for path, data in ((url, {"roles": ["analyst"]}), (f"{url}/status/suspended", {}), (f"{url}/remove", {})):
        answer = owner.post(path, data=data)
        assert answer.status_code == 409
        assert "last owner" in answer.get_data(as_text=True)
    second = staff_client("owner")
    assert owner.post(url, data={"roles": ["analyst"]}).status_code == 303
    with app.app_context(), tenant_scope(tenant.id), pytest.raises(LastOwner):
        services.remove_staff(second.account_id)


def test_another_tenants_staff_is_not_there(staff_client, other_tenant):
    owner, stranger = staff_client("owner"), staff_client("owner", where=other_tenant)
    assert owner.get(f"/admin/staff/{stranger.account_id}").status_code == 404
    assert owner.post(f"/admin/staff/{stranger.account_id}/remove").status_code == 404


def test_the_list_exports_and_filters(staff_client):
    owner = staff_client("owner")
    staff_client("cashier")
    csv = owner.get("/admin/staff/?format=csv").get_data(as_text=True)
    assert "Cashier" in csv
    assert "Owner" in csv
    assert "Cashier" not in owner.get("/admin/staff/?role=owner&format=csv").get_data(as_text=True).split("\n", 1)[1]


def test_own_sessions_are_listed_and_ended(staff_client, sign_in, tenant):
    here = staff_client("care")
    there = sign_in(tenant, kind="staff", subject_id=here.account_id, face="admin")
    page = here.get("/admin/account/").get_data(as_text=True)
    end = re.search(r"/admin/account/sessions/[^\"/]+/end", page)[0]
    assert here.post(end).status_code == 303
    assert there.get("/admin/account/").status_code == 303
    assert here.get("/admin/account/").status_code == 200


def test_an_account_sees_its_own_secret_only(staff_client, tenant, app):
    one, two = staff_client("owner"), staff_client("owner")
    with app.app_context(), tenant_scope(tenant.id):
        assert db.session.scalar(text("SELECT count(*) FROM account_secrets")) == 0
        queries.be_account(one.account_id)
        assert db.session.scalars(text("SELECT account_id FROM account_secrets")).all() == [one.account_id]
        assert (
            db.session.execute(text("UPDATE accounts SET name = 'x' WHERE id = :id"), {"id": two.account_id}).rowcount
            == 0
        )


def test_accounts_of_other_tenants_are_not_seen(staff_client, tenant, other_tenant, app):
    one, _other = staff_client("owner"), staff_client("owner", where=other_tenant)
    with app.app_context(), tenant_scope(tenant.id):
        assert db.session.scalars(text("SELECT id FROM accounts")).all() == [one.account_id]


def test_reset_by_mail(staff_client, browser_in, tenant, app):
    ana = staff_client("analyst")
    guest = browser_in(tenant)
    known = guest.post("/admin/forgot", data={"email": ana.email})
    unknown = guest.post("/admin/forgot", data={"email": "nobody@x.example"})
    assert known.status_code == unknown.status_code == 200
    with app.app_context(), tenant_scope(tenant.id):
        message = db.session.query(Message).filter(Message.template == "reset").one()
        link = re.search(r"/admin/reset/\S+", message.context["url"])[0]
    assert guest.get(link).status_code == 200
    assert guest.post(link, data={"password": "password123"}).status_code == 422
    assert guest.post(link, data={"password": "a better horse"}).status_code == 303
    assert ana.get("/admin/account/").status_code == 303
    assert guest.get(link).status_code == 409
    assert guest.post("/admin/signin", data={"email": ana.email, "password": "a better horse"}).status_code == 303


def test_two_steps_are_turned_on_and_off_on_the_page(staff_client):
    import pyotp

    ana = staff_client("analyst")
    page = ana.get("/admin/account/second-step").get_data(as_text=True)
    secret = re.search(r"data-copy=\"([A-Z2-7]{32})\"", page)[1]
    assert ana.post("/admin/account/second-step", data={"code": "000000"}).status_code == 422
    shown = ana.post("/admin/account/second-step", data={"code": pyotp.TOTP(secret).now()}).get_data(as_text=True)
    assert len(re.findall(r"<code>[a-z2-9]{5}-[a-z2-9]{5}", shown)) == 10
    assert "On since" in ana.get("/admin/account/").get_data(as_text=True)
    assert ana.post("/admin/account/second-step/off", data={"password": "wrong wrong"}).status_code == 422
    assert ana.post("/admin/account/second-step/codes", data={"password": "correct horse"}).status_code == 200
    assert ana.post("/admin/account/second-step/off", data={"password": "correct horse"}).status_code == 303


def test_csrf_is_asked_for(app, staff_client):
    client = staff_client("owner")
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        assert client.post("/admin/account/", data={"name": "X"}).status_code == 400
        token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/admin/account/").get_data(as_text=True))[1]
        assert client.post("/admin/account/", data={"name": "X", "csrf_token": token}).status_code == 303
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


def test_what_is_over_is_forgotten(staff_client, tenant, app):
    ana = staff_client("analyst")
    with app.app_context(), tenant_scope(tenant.id):
        services.forget_what_is_over()
        db.session.commit()
        assert db.session.scalar(text("SELECT count(*) FROM sessions")) == 1
        db.session.execute(text("UPDATE sessions SET ended_at = now() - interval '31 days'"))
        services.forget_what_is_over()
        db.session.commit()
        assert db.session.scalar(text("SELECT count(*) FROM sessions")) == 0
    assert ana.get("/admin/account/").status_code == 303


def test_the_command_makes_an_operator(app):
    runner = app.test_cli_runner()
    made = runner.invoke(args=["operator", "create", "cli@perennial.example", "--password", "correct horse"])
    assert made.exit_code == 0, made.output
    weak = runner.invoke(args=["operator", "create", "cli2@perennial.example", "--password", "short"])
    assert weak.exit_code == 1
    assert "at least 10" in weak.output


def test_the_roles_page_shows_the_table(staff_client):
    page = staff_client("manager").get("/admin/staff/roles").get_data(as_text=True)
    assert "Channel manager" in page
    assert staff_client("analyst").get("/admin/staff/roles").status_code == 403
