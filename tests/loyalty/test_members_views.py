"""The staff's screens of members, purchases, points and tiers, and the till."""

from __future__ import annotations

import re
import uuid

import pytest

from tests.loyalty.faces import Shop, open_shop


@pytest.fixture
def shop(app, tenant) -> Shop:
    return open_shop(app, tenant.id)


@pytest.fixture
def owner(shop, staff_client):
    return staff_client("owner")


@pytest.fixture
def till(shop, staff_client):
    return staff_client("cashier", face="till")


def test_every_list_and_page_opens(owner, shop):
    for path in (
        "/admin/",
        "/admin/?day=2026-01-05",
        "/admin/members/",
        f"/admin/members/{shop.anna}",
        f"/admin/members/{shop.anna}/points",
        f"/admin/members/{shop.anna}/edit",
        "/admin/members/new",
        "/admin/purchases/",
        f"/admin/purchases/{shop.purchase}",
        "/admin/purchases/returns",
        "/admin/purchases/returns?original=unknown",
        "/admin/points/",
        "/admin/points/programme",
        "/admin/points/programme/edit",
        "/admin/tiers/",
        "/admin/tiers/changes",
    ):
        assert owner.get(path).status_code == 200, path


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1001", "Anna Lind"),
        ("anna", "Anna Lind"),
        ("lind", "Anna Lind"),
        ("anna@mail.example", "Anna Lind"),
        ("07400 123456", "Anna Lind"),
        ("+44 7400 123456", "Anna Lind"),
        ("王", "王伟"),
        ("伟", "王伟"),
        ("wang", "王伟"),
        ("wangwei", "王伟"),
    ],
)
def test_members_are_found_by_what_people_know(owner, text, found):
    page = owner.get("/admin/members/", query_string={"q": text}).text
    assert found in page
    assert ({"Anna Lind", "王伟"} - {found}).pop() not in page


def test_members_come_as_csv_to_those_who_may(owner, staff_client):
    with owner.get("/admin/members/?format=csv") as answer:
        assert answer.mimetype == "text/csv"
        assert "Anna Lind" in answer.text
    assert staff_client("cashier").get("/admin/members/?format=csv").status_code == 403


def test_members_filter_by_tier(owner):
    page = owner.get("/admin/members/?tier=1").text
    assert "Anna Lind" in page
    assert "王伟" not in page


def test_the_member_page_tells_one_story(owner, shop):
    page = owner.get(f"/admin/members/{shop.anna}").text
    for part in (
        "Anna Lind",
        "Silver",
        "Member to Silver",
        "Bought for £82.40",
        "Returned for £7.00",
        "anna@mail.example",
    ):
        assert part in page, part


def test_a_duplicate_is_found_before_it_is_made(owner):
    given = {"name": "Anna L.", "email": "Anna@mail.example"}
    refused = owner.post("/admin/members/new", data=given)
    assert refused.status_code == 422
    assert "number 1001" in refused.text
    assert owner.post("/admin/members/new", data={**given, "anyway": "1"}).status_code == 303


def test_a_number_is_used_once(owner):
    assert owner.post("/admin/members/new", data={"name": "X", "number": "1001"}).status_code == 422


def test_a_member_is_changed(owner, shop):
    data = {"name": "Anna Berg", "number": "1001", "email": "", "phone": "07400 123457", "programme": "1"}
    assert owner.post(f"/admin/members/{shop.anna}/edit", data=data).status_code == 303
    page = owner.get(f"/admin/members/{shop.anna}").text
    assert "Anna Berg" in page
    assert "anna@mail.example" not in page
    assert "+44 7400 123457" in page


def test_a_new_card_closes_the_old_one(owner, till, shop):
    number = re.search(
        r"pn-vip-number\">([\d\s]+)<", owner.get(f"/admin/members/{shop.anna}").text.replace("\xa0", " ")
    )
    old = number[1].replace(" ", "")
    assert till.get(f"/till/?q={old}").status_code == 303
    assert owner.post(f"/admin/members/{shop.anna}/card").status_code == 303
    assert "Not a valid card" in till.get(f"/till/?q={old}").text


def test_a_published_rule_is_a_new_version(owner):
    example = owner.get("/admin/points/programme/example?amount=82.40").text
    assert "82 points" in example
    data = {"points": "2", "step": "5", "rounding": "order", "months": "24", "round_up": "year"}
    assert owner.post("/admin/points/programme/edit", data=data).status_code == 303
    page = owner.get("/admin/points/programme").text
    assert "Version 2" in page
    assert "2 points for every full £5.00 of a purchase." in page
    assert "to the end of that year" in page


def test_the_books_are_proved_on_demand(owner):
    assert owner.post("/admin/points/prove").status_code == 303
    assert "Every balance is the sum of its entries" in owner.get("/admin/points/programme").text


def test_roles_hold(staff_client, shop):
    assert staff_client("cashier").get("/admin/purchases/").status_code == 403
    assert staff_client("analyst").post(f"/admin/members/{shop.anna}/card").status_code == 403
    assert staff_client("channel_manager").get("/admin/members/").status_code == 403


def test_a_first_day_tenant_sees_what_to_do(staff_client):
    page = staff_client("owner").get("/admin/").text
    assert "Bring in your members" in page
    assert "Add your partners" in page


def test_sample_data_is_one_click_away_and_goes_through_the_real_import(staff_client):
    owner = staff_client("owner")
    assert "Try with sample data" in owner.get("/admin/").text
    answer = owner.post("/admin/samples/sales")
    assert answer.status_code == 303
    page = owner.get(answer.location.split(owner.root)[1]).text
    assert "This is a made-up file" in page
    assert "sample-sales.csv" in page
    assert staff_client("analyst").post("/admin/samples/sales").status_code == 403


# ---------------------------------------------------------------- the till


def _token(page: str) -> str:
    return re.search(r'name="token" value="([^"]+)"', page)[1]


def test_the_till_finds_by_number_and_by_name(till, shop):
    assert till.get("/till/?q=1001").location.endswith(f"/till/members/{shop.anna}")
    assert "王伟" in till.get("/till/?q=wang").text
    assert "Nobody found" in till.get("/till/?q=nobody").text


def test_what_it_shows_before_is_what_it_gives(till, shop):
    page = till.get(f"/till/members/{shop.anna}").text
    assert "82 points" in till.get("/till/earns?amount=82.99").text
    done = till.post(f"/till/members/{shop.anna}/sale", data={"amount": "82.99", "token": _token(page)})
    assert done.status_code == 303
    assert "+82 points" in till.get(done.location.split(till.root)[1]).text


def test_a_double_click_is_one_sale(till, shop, owner):
    data = {"amount": "10", "token": str(uuid.uuid4())}
    first = till.post(f"/till/members/{shop.anna}/sale", data=data)
    second = till.post(f"/till/members/{shop.anna}/sale", data=data)
    assert (first.status_code, first.location) == (second.status_code, second.location)
    different = till.post(f"/till/members/{shop.anna}/sale", data={**data, "amount": "11"})
    assert different.status_code == 409


def test_nonsense_amounts_are_refused_beside_the_field(till, shop):
    for amount in ("", "abc", "0", "-5", "1.005"):
        answer = till.post(f"/till/members/{shop.anna}/sale", data={"amount": amount, "token": str(uuid.uuid4())})
        assert answer.status_code == 422, amount


def test_a_card_scanned_into_the_amount_opens_its_member(till, shop):
    answer = till.post(f"/till/members/{shop.anna}/sale", data={"amount": "904713295411", "token": str(uuid.uuid4())})
    assert answer.status_code == 303
    assert "q=904713295411" in answer.location


def test_a_sale_without_a_card_earns_nothing(till, owner):
    done = till.post("/till/sale", data={"amount": "15", "token": str(uuid.uuid4())})
    assert done.status_code == 303
    assert "Sold without a card" in till.get(done.location.split(till.root)[1]).text


# ---------------------------------------------------------------- statements


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/admin/members/", 5),
        ("/admin/members/?q=wang&sort=-balance", 6),
        ("/admin/purchases/", 4),
        ("/admin/points/", 4),
        ("/admin/tiers/changes", 5),
        ("/admin/", 12),
    ],
)
def test_lists_take_a_fixed_number_of_statements(owner, query_count, path, most):
    owner.get(path)
    with query_count() as seen:
        assert owner.get(path).status_code == 200
    assert len(seen) <= most, seen


def test_the_member_page_takes_a_fixed_number_of_statements(owner, shop, query_count):
    owner.get(f"/admin/members/{shop.anna}")
    with query_count() as seen:
        assert owner.get(f"/admin/members/{shop.anna}").status_code == 200
    assert len(seen) <= 16, seen
