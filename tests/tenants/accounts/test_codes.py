"""Members and partner users sign in by a one-time code or the link in the mail."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text, update

from config.extensions import db
from tenants.accounts import people
from tenants.accounts.models import SignInCode
from tenants.delivery.models import Message
from tenants.delivery.services import set_address
from tenants.scope import tenant_scope


@pytest.fixture
def mia(app, tenant):
    """A member with a mail address and a phone."""
    from loyalty.members.services import create_member

    with app.app_context(), tenant_scope(tenant.id):
        member = create_member(number="M1", name="Mia")
        ident = member.id
        set_address(person_id=ident, channel="email", value="mia@home.example")
        set_address(person_id=ident, channel="sms", value="07911 123456")
        db.session.commit()
    return ident


def sent(app, tenant):
    with app.app_context(), tenant_scope(tenant.id):
        rows = db.session.query(Message).filter(Message.template == "signin_code").order_by(Message.id).all()
        return [(row.recipient, row.channel, dict(row.context)) for row in rows]


def ask(client, contact="mia@home.example", **more):
    return client.post("/me/signin", data={"contact": contact}, **more)


def test_a_code_lets_in_once(browser_in, tenant, mia, app):
    client = browser_in(tenant)
    assert client.get("/me/signin").status_code == 200
    assert ask(client).location.endswith("/me/code")
    recipient, channel, context = sent(app, tenant)[0]
    assert (recipient, channel) == ("mia@home.example", "email")
    assert client.post("/me/code", data={"code": "123"}).status_code == 422
    answer = client.post("/me/code", data={"code": f"{context['code'][:3]} {context['code'][3:]}"})
    assert answer.status_code == 303
    assert client.get("/me/signin").status_code == 303
    other = browser_in(tenant)
    other.set_cookie("pn_member", "", path="/")
    assert other.post("/me/code", data={"code": context["code"]}).location.endswith("/me/signin")


def test_a_phone_number_as_people_type_it(browser_in, tenant, mia, app):
    ask(browser_in(tenant), "07911 123 456")
    assert sent(app, tenant)[0][:2] == ("+447911123456", "sms")


def test_an_unknown_address_gets_the_same_answer_and_nothing_is_sent(browser_in, tenant, mia, app):
    client = browser_in(tenant)
    known, unknown = ask(client), ask(browser_in(tenant), "nobody@home.example")
    assert (known.status_code, known.location) == (unknown.status_code, unknown.location)
    assert len(sent(app, tenant)) == 1
    assert ask(client, "neither").status_code == 422


def test_five_wrong_codes_end_it(browser_in, tenant, mia, app):
    client = browser_in(tenant)
    ask(client)
    code = sent(app, tenant)[0][2]["code"]
    for _ in range(5):
        assert client.post("/me/code", data={"code": "000000" if code != "000000" else "111111"}).status_code == 422
    assert client.post("/me/code", data={"code": code}).status_code == 422


def test_an_old_code_is_refused(browser_in, tenant, mia, app):
    client = browser_in(tenant)
    ask(client)
    with app.app_context(), tenant_scope(tenant.id):
        db.session.execute(update(SignInCode).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
        db.session.commit()
    assert client.post("/me/code", data={"code": sent(app, tenant)[0][2]["code"]}).status_code == 422


def test_the_link_asks_for_a_click_and_works_once(browser_in, tenant, mia, app):
    ask(browser_in(tenant))
    link = re.search(r"/me/link/\S+", sent(app, tenant)[0][2]["url"])[0]
    phone = browser_in(tenant)
    assert phone.get(link).status_code == 200
    assert phone.get(link).status_code == 200  # a mail scanner that opens it uses nothing up
    assert phone.post(link).status_code == 303
    assert phone.get("/me/signin").status_code == 303
    assert browser_in(tenant).post(link).status_code == 409


def test_a_code_of_one_tenant_opens_no_other(browser_in, tenant, other_tenant, mia, app):
    client = browser_in(tenant)
    ask(client)
    link = re.search(r"/me/link/\S+", sent(app, tenant)[0][2]["url"])[0]
    assert browser_in(other_tenant).post(link).status_code == 409


def test_too_many_codes_are_refused(browser_in, tenant, mia):
    answers = [ask(browser_in(tenant)).status_code for _ in range(6)]
    assert answers == [303] * 5 + [429]


def test_a_member_who_left_is_out_at_once(member_client, tenant, mia, app):
    client = member_client(mia)
    assert client.get("/me/signin").status_code == 303
    with app.app_context(), tenant_scope(tenant.id):
        db.session.execute(text("UPDATE members SET status = 'left'"))
        db.session.commit()
    assert client.get("/me/signin").status_code == 200


def test_a_partner_user_meets_the_partner_scope(partner_client, tenant, app, monkeypatch):
    ident, partner_id = uuid.uuid4(), uuid.uuid4()
    monkeypatch.setitem(
        people._kinds,
        "partner",
        people.Kind(lambda _id: people.Subject(ident, "Pia", None, partner_id), lambda _c, _v: [ident]),
    )
    client = partner_client(ident)
    assert client.get("/partner/signin").status_code == 303
    assert browser_code(client, app, tenant) == 303


def browser_code(client, app, tenant):
    assert client.post("/partner/signout").status_code == 303
    assert client.get("/partner/signin").status_code == 200
    assert client.post("/partner/signin", data={"email": "pia@partner.example"}).status_code == 303
    context = sent(app, tenant)[-1][2]
    assert "/partner/link/" in context["url"]
    return client.post("/partner/code", data={"code": context["code"]}).status_code
