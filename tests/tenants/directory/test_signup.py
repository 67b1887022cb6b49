"""An organisation signs up; its first owner comes in by the mail's link."""

from __future__ import annotations

import re
import uuid

import pytest
from sqlalchemy import select

from config.extensions import db
from tenants.accounts import services as accounts
from tenants.delivery.models import Message
from tenants.info import find_tenant
from tenants.scope import tenant_scope


def sign_up(client, **given):
    ident = uuid.uuid4().hex[:8]
    data = {"name": f"Tea {ident}", "country": "CN", "email": f"li@{ident}.example", **given}
    return data, client.post("/signup", data=data, environ_base={"REMOTE_ADDR": f"203.0.113.{uuid.uuid4().int % 250}"})


def link_in_mail(app, tenant):
    with app.app_context(), tenant_scope(tenant.id):
        message = db.session.scalars(select(Message).where(Message.template == "invitation")).one()
        return re.search(r"/admin/invitation/\S+", message.context["url"])[0]


@pytest.mark.parametrize("path", ["/", "/signup", "/signin", "/signin/forgot"])
def test_pages_show(client, path):
    assert client.get(path).status_code == 200


def test_a_new_owner_comes_in_by_the_link(client, app, browser_in):
    data, answer = sign_up(client)
    assert answer.status_code == 200
    slug = data["name"].lower().replace(" ", "-")
    tenant = find_in(app, slug)
    assert (tenant.locale, tenant.currency, tenant.zone) == ("zh_Hans_CN", "CNY", "Asia/Shanghai")
    browser = browser_in(tenant)
    link = link_in_mail(app, tenant)
    assert browser.get(link).status_code == 200
    weak = browser.post(link, data={"name": "李", "password": "short"})
    assert weak.status_code == 422
    assert browser.post(link, data={"name": "李", "password": "correct horse"}).status_code == 303
    assert browser.get("/admin/staff/").status_code == 200
    assert browser.get("/admin/settings/").status_code == 200
    assert browser_in(tenant).get(link).status_code == 409  # once only


def find_in(app, slug):
    with app.app_context():
        return find_tenant(slug=slug)


def test_sign_up_says_nothing_of_accounts_and_asks_the_old_password(client, app, tenant, browser_in):
    email = f"old@{tenant.slug}.example"
    with app.app_context(), tenant_scope(tenant.id):
        accounts.create_staff(email=email, name="Old", password="correct horse", roles=["analyst"])
        db.session.commit()
    data, answer = sign_up(client, email=email)
    assert answer.status_code == 200
    new = find_in(app, data["name"].lower().replace(" ", "-"))
    link, browser = link_in_mail(app, new), browser_in(new)
    assert browser.post(link, data={"password": "another horse"}).status_code == 422
    assert browser.post(link, data={"password": "correct horse"}).status_code == 303


def test_a_taken_or_bad_slug_is_said_beside_the_field(client, tenant):
    _data, taken = sign_up(client, slug=tenant.slug)
    _data, bad = sign_up(client, slug="No Good!")
    _data, kept = sign_up(client, slug="admin")
    for answer in (taken, bad, kept):
        assert answer.status_code == 422
        assert 'id="f-slug-error"' in answer.get_data(as_text=True)


def test_fragments_suggest(client, tenant):
    assert "Asia/Taipei" in client.get("/signup/country?country=TW").get_data(as_text=True)
    assert "yunqizhizao is free" in client.get("/signup/slug?name=云栖制造").get_data(as_text=True)
    assert "taken" in client.get(f"/signup/slug?slug={tenant.slug}").get_data(as_text=True)


def test_from_outside_into_one_of_several_tenants(client, app, tenant, other_tenant, browser_in):
    email = f"two@{tenant.slug}.example"
    for place, roles in ((tenant, ["manager"]), (other_tenant, ["analyst"])):
        with app.app_context(), tenant_scope(place.id):
            accounts.create_staff(email=email, name="Two", password="correct horse", roles=roles)
            db.session.commit()
    assert client.post("/signin", data={"email": email, "password": "nope nope nope"}).status_code == 422
    assert client.post("/signin", data={"email": email, "password": "correct horse"}).location.endswith(
        "/signin/places"
    )
    page = client.get("/signin/places").get_data(as_text=True)
    assert f"/places/{tenant.slug}" in page
    assert f"/places/{other_tenant.slug}" in page
    answer = client.post(f"/signin/places/{other_tenant.slug}")
    path = answer.location.split(f"/t/{other_tenant.slug}")[1]
    inside = browser_in(other_tenant)
    assert inside.get(path).status_code == 303
    assert inside.get("/admin/account/").status_code == 200
    assert "/admin/signin" in browser_in(other_tenant).get(path).location  # the token works once
    assert client.post("/signin/places/no-such-tenant").status_code == 404
