"""The JSON doors: purchases, refunds, awards, members; their refusals and their round trips."""

from __future__ import annotations

import pytest

PURCHASE = {
    "source": "till-7",
    "external_id": "R-1001",
    "member": "1001",
    "occurred_at": "2026-03-02T12:00:00+00:00",
    "lines": [
        {"sku": "A", "quantity": "2", "unit_price": "10.60", "description": "Cup"},
        {"sku": "B", "quantity": "1", "amount": "10.30"},
    ],
}


@pytest.fixture
def shop(app, tenant, api_client):
    """A tenant with one member and a founded programme; a program with all scopes."""
    from config.extensions import db
    from loyalty.members.services import create_member
    from loyalty.points.services import ensure_programme
    from tenants.scope import tenant_scope

    with app.app_context(), tenant_scope(tenant.id):
        ensure_programme()
        create_member(number="1001", name="Ada")
        db.session.commit()
    return api_client("purchases:write", "points:write", "members:read", "members:write")


def test_a_purchase_and_its_retry(shop):
    first = shop.post("/api/v1/purchases", json=PURCHASE)
    assert first.status_code == 201, first.text
    assert (first.json["status"], first.json["points"], first.json["balance"]) == ("new", 31, 31)
    again = shop.post("/api/v1/purchases", json=PURCHASE)
    assert (again.status_code, again.json["id"], again.json["points"]) == (200, first.json["id"], 31)
    other = shop.post("/api/v1/purchases", json={**PURCHASE, "lines": PURCHASE["lines"][:1]})
    assert (other.status_code, other.json["code"]) == (409, "event_differs")
    assert other.content_type == "application/problem+json"


@pytest.mark.example("P14")
def test_many_request_keys_one_event(shop):
    got = [shop.post("/api/v1/purchases", json=PURCHASE, headers={"Idempotency-Key": f"k{n}"}) for n in range(5)]
    assert len({r.json["id"] for r in got}) == 1
    reused = shop.post("/api/v1/purchases", json={**PURCHASE, "external_id": "R-2"}, headers={"Idempotency-Key": "k1"})
    assert (reused.status_code, reused.json["code"]) == (409, "idempotency_key_reused")
    assert shop.get("/api/v1/members/1001").json["balance"] == 31


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [{"sku": "A", "amount": 1.5}]}, "lines.0.amount"),
        ({"lines": [{"sku": "A", "amount": "1.505"}]}, "amount"),
        ({"lines": [{"sku": "A"}]}, "amount"),
        ({"occurred_at": "2026-03-02T12:00:00"}, "occurred_at"),
        ({"occurred_at": "2036-03-02T12:00:00Z"}, "occurred_at"),
        ({"source": "@refund"}, "source"),
        ({"external_id": ""}, "external_id"),
        ({"currency": "USD"}, "currency"),
        ({"total": "99.00"}, "total"),
    ],
)
def test_what_cannot_be_used_is_named(shop, change, field):
    got = shop.post("/api/v1/purchases", json={**PURCHASE, **change})
    assert got.status_code == 422, got.text
    assert any(field in name for name in got.json["errors"]), got.json


def test_an_unknown_member_is_a_404_with_its_code(shop):
    got = shop.post("/api/v1/purchases", json={**PURCHASE, "member": "nobody"})
    assert (got.status_code, got.json["code"]) == (404, "unknown_member")


def test_a_batch_answers_each(shop):
    batch = {
        "purchases": [
            PURCHASE,
            {**PURCHASE, "member": "x", "external_id": "2"},
            {**PURCHASE, "member": None, "external_id": "3"},
        ]
    }
    got = shop.post("/api/v1/purchases/batch", json=batch)
    assert [r["status"] for r in got.json["results"]] == ["new", "unknown_member", "new"]
    again = shop.post("/api/v1/purchases/batch", json=batch)
    assert [r["status"] for r in again.json["results"]] == ["unchanged", "unknown_member", "unchanged"]


def test_a_refund_takes_back_and_says_what_it_did_not_find(shop):
    shop.post("/api/v1/purchases", json=PURCHASE)
    part = {
        "source": "till-7",
        "external_id": "C-1",
        "member": "1001",
        "lines": [{"sku": "A", "quantity": "1", "amount": "10.60"}],
    }
    got = shop.post("/api/v1/refunds", json=part, headers={"Idempotency-Key": "r"})
    assert (got.status_code, got.json["points"], got.json["balance"], got.json["unmatched"]) == (201, 10, 21, 0)
    rest = {"source": "till-7", "external_id": "C-2", "original": {"external_id": "R-1001"}}
    assert shop.post("/api/v1/refunds", json=rest).json["balance"] == 0
    assert shop.post("/api/v1/refunds", json=rest).status_code == 200
    assert shop.post("/api/v1/refunds", json={"external_id": "C-3"}).status_code == 422


def test_awards_one_and_many(shop):
    award = {"source": "quiz", "external_id": "q1", "member": "1001", "points": 25, "note": "Well done"}
    got = shop.post("/api/v1/awards", json=award)
    assert (got.status_code, got.json["balance"]) == (201, 25)
    assert shop.post("/api/v1/awards", json=award).status_code == 200
    assert shop.post("/api/v1/awards", json={**award, "points": 26}).json["code"] == "event_differs"
    assert shop.post("/api/v1/awards", json={**award, "points": 0}).status_code == 422
    assert shop.post("/api/v1/awards", json={**award, "points": "25"}).status_code == 422
    many = {"source": "quiz", "awards": [award, {**award, "external_id": "q2"}]}
    assert [r["status"] for r in shop.post("/api/v1/awards/batch", json=many).json["results"]] == ["unchanged", "new"]
    entries = shop.get("/api/v1/members/1001/entries").json["entries"]
    assert [(e["points"], e["note"]) for e in entries] == [(25, "Well done")] * 2


def test_members_are_joined_shown_and_paged(shop):
    made = shop.post("/api/v1/members", json={"number": "2002", "name": "Grace"})
    assert made.status_code == 201, made.text
    assert len(made.json["card_number"]) == 12
    assert shop.get(f"/api/v1/members/{made.json['card_number']}").json["number"] == "2002"
    assert shop.post("/api/v1/members", json={"number": "2002"}).json["code"] == "number_taken"
    page = shop.get("/api/v1/members?limit=1").json
    assert [m["number"] for m in page["members"]] == ["1001"]
    rest = shop.get(f"/api/v1/members?limit=5&cursor={page['next']}").json
    assert ([m["number"] for m in rest["members"]], rest["next"]) == (["2002"], None)
    shop.post("/api/v1/purchases", json=PURCHASE)
    lots = shop.get("/api/v1/members/1001/lots").json
    assert (lots["spendable"], lots["lots"][0]["last_day"]) == (31, "2027-03-31")


def test_a_key_does_only_what_its_scopes_say(shop, api_client, browser_in, tenant, other_tenant):
    reader = api_client("members:read")
    assert reader.get("/api/v1/members/1001").status_code == 200
    assert reader.post("/api/v1/purchases", json=PURCHASE).status_code == 403
    assert browser_in(tenant).post("/api/v1/purchases", json=PURCHASE).status_code == 401
    assert api_client("members:read", where=other_tenant).get("/api/v1/members/1001").status_code == 404


@pytest.mark.parametrize("door", ["purchases", "awards"])
def test_the_hot_doors_take_one_round_trip_to_write(shop, query_count, monkeypatch, door):
    from loyalty.points import ledger
    from tenants.scope import call

    body = PURCHASE if door == "purchases" else {"external_id": "a", "member": "1001", "points": 5}
    shop.post(f"/api/v1/{door}", json=body)
    trips: list[object] = []
    monkeypatch.setattr(ledger, "call", lambda *given: trips.append(given) or call(*given))
    with query_count() as seen:
        got = shop.post(f"/api/v1/{door}", json={**body, "external_id": "b"}, headers={"Idempotency-Key": "k"})
    assert got.status_code == 201
    assert (len(trips), seen) == (1, [])


def test_the_contract_is_published(shop):
    spec = shop.get("/api/v1/openapi.json").json
    assert {"/api/v1/purchases", "/api/v1/purchases/batch", "/api/v1/refunds", "/api/v1/awards"} <= set(spec["paths"])
