"""A member joins, buys, and finds it on the phone: staff screens, till, mailbox, code, portal."""

from __future__ import annotations

import json
import re
import urllib.request

import pytest

from tests.journeys.house import House, Visitor, code_in, house

__all__ = ["house"]

PASSWORD = "correct horse battery"  # of a made-up person


@pytest.fixture
def staff(app, tenant):
    """An owner and a cashier who can sign in with a password."""
    from config.extensions import db
    from tenants.accounts.services import create_staff
    from tenants.scope import tenant_scope

    people = {role: f"{role}@{tenant.slug}.example" for role in ("owner", "cashier", "channel_manager")}
    with app.app_context(), tenant_scope(tenant.id):
        for role, email in people.items():
            create_staff(email=email, name=role.title(), password=PASSWORD, roles=[role])
        db.session.commit()
    return people


def visitor(house: House, tenant) -> Visitor:
    return Visitor(f"{house.base}/t/{tenant.slug}")


def signed_in(house: House, tenant, email: str, door: str = "/admin/signin") -> Visitor:
    browser = visitor(house, tenant)
    browser.get(door)
    browser.post(email=email, password=PASSWORD)
    assert "/signin" not in browser.page.url, browser.page.text
    return browser


def test_a_member_joins_buys_and_sees_it(house: House, tenant, staff) -> None:
    owner = signed_in(house, tenant, staff["owner"])
    owner.get("/admin/members/new")
    added = owner.post(
        name="Olivia Hart", number="5001", email="olivia@mail.example", phone="", birthday="", programme="1"
    )
    assert added.says("Olivia Hart is a member now.")
    welcome = house.letter("olivia@mail.example", subject="Welcome")
    assert "Olivia Hart" in welcome.text

    cashier = signed_in(house, tenant, staff["cashier"], "/till/signin")
    found = cashier.get("/till/?q=5001")
    assert found.says("Olivia Hart")
    token = found.hidden("token")
    done = cashier.post(f"{found.url}/sale", amount="82.40", token=token)
    assert done.says("+82 points")
    cashier.page = found
    assert cashier.post(f"{found.url}/sale", amount="82.40", token=token).url == done.url

    phone = visitor(house, tenant)
    asked = phone.get("/")
    assert asked.url.split("?")[0].endswith("/me/signin")
    phone.post(contact="olivia@mail.example")
    letter = house.letter("olivia@mail.example", after=welcome.name)
    home = phone.post(code=code_in(letter))
    assert home.status == 200, home.text
    for words in ("Olivia Hart", "82", "£82.40", "£217.60 more by"):
        assert home.says(words) or phone.get("/").says(words), words
    assert phone.get("/points").says("82")
    assert phone.get("/code").says("Show this at the till")
    phone.get("/me")
    phone.post("/me/signout")
    assert "/me/signin" in phone.get("/").url


def test_a_wrong_code_and_an_unknown_address_tell_nothing(house: House, tenant, staff) -> None:
    stranger = visitor(house, tenant)
    stranger.get("/me/signin")
    page = stranger.post(contact="nobody@mail.example")
    assert page.status == 200
    assert stranger.post(code="000000").status in (409, 422)
    assert house.mail.list(to="nobody@mail.example") == []


def test_a_purchase_by_the_api_is_on_the_phone_at_once(house: House, app, tenant, staff) -> None:
    from config.extensions import db
    from loyalty.members.services import create_member
    from tenants.delivery import contacts
    from tenants.integrations.services import issue_key
    from tenants.scope import tenant_scope

    with app.app_context(), tenant_scope(tenant.id):
        member = create_member(number="7001", name="Ravi Green")
        contacts.set_address(person_id=member.id, channel="email", value="ravi@mail.example")
        key = issue_key("till software", ["purchases:write"])
        db.session.commit()
    body = {
        "external_id": "A-1",
        "member": "7001",
        "lines": [{"sku": "S1", "description": "Kettle", "quantity": "1", "amount": "45.00"}],
    }
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "k-1", "Content-Type": "application/json"}
    url = f"{house.base}/t/{tenant.slug}/api/v1/purchases"
    for _ in range(2):  # a retry is the same purchase
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status in (200, 201)
    phone = visitor(house, tenant)
    phone.get("/me/signin")
    phone.post(contact="ravi@mail.example")
    home = phone.post(code=code_in(house.letter("ravi@mail.example")))
    assert home.says("Kettle")
    assert home.says("+45 points")
    assert len(re.findall("Kettle", home.text)) == 1


def test_a_partner_is_invited_and_comes_in_by_a_code(house: House, tenant, staff) -> None:
    channel = signed_in(house, tenant, staff["channel_manager"])
    channel.get("/admin/partners/new")
    partner = channel.post(
        name="Northern Trading", number="N-1", country="GB", territory="North", since="2020-01-01", status="active"
    )
    assert partner.says("The partner was added.")
    channel.get(f"{partner.url}/invite")
    assert channel.post(name="Pia Lund", email="pia@north.example", locale="en").says("Pia Lund can sign in now")
    invitation = house.letter("pia@north.example", subject="partner portal")
    assert "Northern Trading" in invitation.text

    pia = visitor(house, tenant)
    pia.get("/partner/")
    pia.post(email="pia@north.example")
    home = pia.post(code=code_in(house.letter("pia@north.example", after=invitation.name)))
    assert home.says("Northern Trading")
    assert home.says("Signed in as Pia Lund.")
