"""The member portal: what a member sees, and that it is theirs alone."""

from __future__ import annotations

import json

import pytest

from tests.loyalty.faces import Shop, open_shop

PAGES = ("/", "/code", "/tier", "/points", "/points?all=1", "/history", "/me", "/me/edit")


@pytest.fixture
def shop(app, tenant) -> Shop:
    return open_shop(app, tenant.id)


@pytest.fixture
def anna(shop, member_client):
    return member_client(shop.anna)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens(anna, path):
    assert anna.get(path).status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_strangers_are_sent_to_sign_in(browser_in, tenant, shop, path):
    answer = browser_in(tenant).get(path)
    assert answer.status_code == 303
    assert "/me/signin" in answer.location


def test_home_says_card_points_lapse_tier_and_last_purchases(anna):
    page = anna.get("/").text
    assert "Anna Lind" in page
    assert "Harbour &amp; Vale" in page
    # 350 + 40 + 82 earned; the return of 100.00 takes 100 of the newest matching purchase's points.
    assert "points" in page.lower()
    assert "Silver" in page
    assert "and you are Gold" in page
    assert "£82.40" in page
    assert "High Street" in page


def test_a_new_member_sees_a_card_and_what_to_do(app, tenant, member_client):
    from config.extensions import db
    from loyalty.members.services import create_member
    from tenants.scope import tenant_scope

    with app.app_context(), tenant_scope(tenant.id):
        member = create_member(number="7", name="New").id
        db.session.commit()
    page = member_client(member).get("/").text
    assert "Show your card at the till" in page
    assert "nothing to lose" in page


def test_the_reason_of_the_tier_names_what_counts(anna):
    page = anna.get("/tier").text
    assert "Why I am Silver" in page
    assert "£300.00 needed" in page
    assert "returned" in page


def test_points_open_to_purchase_rule_and_what_was_taken(anna, shop):
    page = anna.get("/points?all=1").text
    assert "Rule version 1" in page
    assert "taken back" in page
    assert str(shop.purchase) in page


def test_history_shows_returns_where_they_belong(anna):
    page = anna.get("/history").text
    assert "returned on" in page
    assert "the purchase it belongs to is not known" in page


def test_a_purchase_of_somebody_else_is_not_there(anna, shop):
    assert anna.get(f"/history/{shop.purchase}").status_code == 200
    assert anna.get(f"/history/{shop.others_purchase}").status_code == 404


def test_a_member_of_another_tenant_meets_nothing(shop, other_tenant, app, member_client):
    from config.extensions import db
    from loyalty.members.services import create_member
    from tenants.scope import tenant_scope

    with app.app_context(), tenant_scope(other_tenant.id):
        stranger = create_member(number="9", name="Eve").id
        db.session.commit()
    client = member_client(stranger, where=other_tenant)
    assert client.get(f"/history/{shop.purchase}").status_code == 404


def test_name_birthday_and_language_are_the_members_to_change(anna):
    answer = anna.post("/me/edit", data={"name": "Anna Berg", "birthday": "1990-02-28", "locale": "zh_Hans"})
    assert answer.status_code == 303, answer.text
    page = anna.get("/me").text
    assert "Anna Berg" in page
    refused = anna.post("/me/edit", data={"name": "", "birthday": "2190-01-01"})
    assert refused.status_code == 422


def test_a_choice_is_kept_per_address_and_purpose(anna, app, tenant, shop):
    from tenants.delivery import queries
    from tenants.scope import tenant_scope

    with app.app_context(), tenant_scope(tenant.id):
        email = next(a for a in queries.addresses_of(shop.anna) if a.channel == "email").id
    assert anna.post(f"/me/consent/{email}", data={"purpose": "marketing", "granted": "1"}).status_code == 303
    with app.app_context(), tenant_scope(tenant.id):
        found = queries.address(email)
        assert (found.programme, found.marketing) == (True, True)
        assert queries.consent_history(email)[0].source == "portal"


def test_nobody_chooses_for_somebody_elses_address(anna, app, tenant, shop):
    from config.extensions import db
    from tenants.delivery import contacts
    from tenants.scope import tenant_scope

    with app.app_context(), tenant_scope(tenant.id):
        other = contacts.set_address(person_id=shop.ben, channel="email", value="ben@mail.example").id
        db.session.commit()
    assert anna.post(f"/me/consent/{other}", data={"purpose": "marketing", "granted": "1"}).status_code == 404


def test_my_data_is_all_of_it(anna):
    data = json.loads(anna.get("/me/data").data)
    assert data["member"]["name"] == "Anna Lind"
    assert len(data["purchases"]) == 3
    assert sum(entry["points"] for entry in data["points"]) == data["member"]["balance"]
    assert {address["channel"] for address in data["addresses"]} == {"email", "sms"}


def test_another_device_can_be_signed_out(shop, anna, member_client, app, tenant):
    from tenants.accounts.queries import sessions_of
    from tenants.scope import tenant_scope

    second = member_client(shop.anna)
    with app.app_context(), tenant_scope(tenant.id):
        newest = max(sessions_of("member", shop.anna), key=lambda one: one.created_at).id
    assert anna.post(f"/me/sessions/{newest}/end").status_code == 303
    assert second.get("/").status_code == 303
    assert anna.get("/").status_code == 200


@pytest.mark.parametrize(("path", "most"), [("/", 10), ("/points", 8), ("/history", 8), ("/tier", 7)])
def test_pages_take_a_fixed_number_of_statements(anna, query_count, path, most):
    anna.get(path)
    with query_count() as seen:
        assert anna.get(path).status_code == 200
    assert len(seen) <= most, seen
