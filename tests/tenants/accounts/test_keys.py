"""API keys: made once, shown once, checked in one statement, refused elsewhere."""

from __future__ import annotations

import pytest
from flask import Blueprint, jsonify

from config.extensions import csrf, db
from tenants.access import current_actor, scoped
from tenants.integrations import services
from tenants.scope import tenant_scope


@pytest.fixture(scope="module")
def probe(app):
    door = Blueprint("probe", __name__, url_prefix="/api/v1/probe")
    door.face = "api"

    @door.route("", methods=["GET", "POST"])
    @scoped("purchases:write")
    def answer():
        return jsonify(
            actor=str(current_actor().id),
            in_transaction=bool(db.session.registry.has() and db.session.in_transaction()),
        )

    csrf.exempt(door)
    app._got_first_request = False  # a door of this test only
    app.register_blueprint(door)
    return "/api/v1/probe"


@pytest.fixture(autouse=True)
def forget():
    services.forget_keys()


def test_a_key_opens_the_api_and_no_transaction(api_client, probe):
    answer = api_client("purchases:write").post(probe)
    assert answer.status_code == 200
    assert answer.json["in_transaction"] is False


def test_the_root_finds_the_tenant_by_the_key(api_client, probe, app):
    client = api_client("purchases:write")
    headers = {"Authorization": f"Bearer {client.key}"}
    assert app.test_client().get(probe, headers=headers).status_code == 200
    assert app.test_client().get(probe).status_code == 401
    assert app.test_client().get(probe, headers={"Authorization": "Bearer pk_no-such-tenant_a_b"}).status_code == 401


def test_a_key_of_another_tenant_is_nobody(api_client, probe, other_tenant, browser_in):
    key = api_client("purchases:write").key
    answer = browser_in(other_tenant).get(probe, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 401
    assert answer.json["code"] == "unauthenticated"


def test_a_wrong_secret_a_wrong_scope_and_a_revoked_key(api_client, probe, browser_in, tenant, app):
    client = api_client("purchases:write")
    wrong = client.key[:-1] + ("a" if client.key[-1] != "a" else "b")
    assert browser_in(tenant).get(probe, headers={"Authorization": f"Bearer {wrong}"}).status_code == 401
    denied = api_client("members:read").get(probe)
    assert (denied.status_code, denied.json["code"], denied.json["scope"]) == (403, "scope_missing", "purchases:write")
    with app.app_context(), tenant_scope(tenant.id):
        from tenants.integrations.models import ApiKey

        key_id = db.session.query(ApiKey.id).filter(ApiKey.prefix == client.key.rsplit("_", 1)[0]).scalar()
        services.revoke_key(key_id)
        db.session.commit()
    services.forget_keys()
    assert client.get(probe).status_code == 401


def test_a_second_call_asks_the_database_nothing(api_client, probe, query_count):
    client = api_client("purchases:write")
    client.get(probe)
    with query_count() as seen:
        assert client.get(probe).status_code == 200
    assert seen == []


def test_a_key_is_of_no_use_on_pages(api_client):
    assert api_client("purchases:write").get("/admin/keys/").status_code == 303


def test_the_page_makes_shows_and_revokes(staff_client, app, tenant):
    client = staff_client("owner")
    assert "No keys yet" in client.get("/admin/keys/").get_data(as_text=True)
    shown = client.post("/admin/keys/new", data={"name": "Shop", "scopes": ["purchases:write"]}).get_data(as_text=True)
    assert f"pk_{tenant.slug}_" in shown
    listed = client.get("/admin/keys/").get_data(as_text=True)
    assert "Shop" in listed
    assert client.post("/admin/keys/new", data={"name": "Shop"}).status_code == 422
    assert staff_client("manager").get("/admin/keys/").status_code == 403
    log = client.get("/admin/audit/").get_data(as_text=True)
    assert "API key made" in log
