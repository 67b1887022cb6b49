"""Staff sign in with e-mail and password, at each face with a cookie of its own."""

from __future__ import annotations

import pyotp
import pytest
from sqlalchemy import text
from werkzeug.security import generate_password_hash

from config.extensions import db
from tenants.accounts import second_step, services
from tenants.accounts.queries import be_account
from tenants.scope import tenant_scope

PASSWORD = "correct horse"


@pytest.fixture
def email(tenant):
    return f"ada@{tenant.slug}.example"  # accounts are global, so each test has its own


@pytest.fixture
def ada(app, tenant, email):
    with app.app_context(), tenant_scope(tenant.id):
        ident = services.create_staff(email=email, name="Ada", password=PASSWORD, roles=["manager"])
        db.session.commit()
    return ident


@pytest.fixture
def post(email):
    def send(client, path="/admin/signin", email=email, password=PASSWORD, **more):
        return client.post(path, data={"email": email, "password": password}, **more)

    return send


def events(app, tenant, kind):
    with app.app_context(), tenant_scope(tenant.id):
        return [
            row[0]
            for row in db.session.execute(text("SELECT payload FROM events WHERE kind = :k ORDER BY id"), {"k": kind})
        ]


def test_the_page_shows_and_a_right_password_lets_in(browser_in, tenant, ada, app, post):
    client = browser_in(tenant)
    assert client.get("/admin/signin").status_code == 200
    answer = post(client)
    assert answer.status_code == 303
    assert client.get("/admin/account/").status_code == 200
    assert events(app, tenant, "account.signed_in")[0]["face"] == "admin"


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(browser_in, tenant, ada, app, post):
    client = browser_in(tenant)
    wrong, unknown = post(client, password="wrong wrong"), post(client, email="nobody@x.example")
    assert wrong.status_code == unknown.status_code == 422
    assert (
        wrong.get_data(as_text=True).count("do not go together")
        == unknown.get_data(as_text=True).count("do not go together")
        == 1
    )
    assert [row["account_id"] for row in events(app, tenant, "account.signin_refused")] == [str(ada), None]


def test_a_person_of_another_tenant_is_refused(browser_in, tenant, other_tenant, ada, post):
    assert post(browser_in(other_tenant)).status_code == 422


def test_one_account_in_two_tenants(browser_in, tenant, other_tenant, ada, app, post, email):
    with app.app_context(), tenant_scope(other_tenant.id):
        again = services.create_staff(email=email.upper(), name="?", password="other password", roles=["analyst"])
        db.session.commit()
    assert again == ada
    client = browser_in(other_tenant)
    assert post(client).status_code == 303
    assert "Ada" in client.get("/admin/account/").get_data(as_text=True)


def test_a_stranger_is_sent_to_sign_in_and_back(browser_in, tenant, ada, post, email):
    client = browser_in(tenant)
    first = client.get("/admin/account/password")
    assert first.status_code == 303
    assert "/admin/signin?next=" in first.location
    answer = client.post(first.location.replace("http://localhost", ""), data={"email": email, "password": PASSWORD})
    assert answer.location.endswith("/admin/account/password")


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/admin/account/", "/\\evil.example"])
def test_next_never_leaves_the_tenant(browser_in, tenant, ada, target, post, email):
    answer = browser_in(tenant).post(
        "/admin/signin", query_string={"next": target}, data={"email": email, "password": PASSWORD}
    )
    assert answer.status_code == 303
    assert answer.location.startswith(f"/t/{tenant.slug}/")


def test_the_admin_cookie_opens_no_till(browser_in, tenant, ada, post):
    client = browser_in(tenant)
    post(client)
    value = client.get_cookie("pn_admin", path=f"/t/{tenant.slug}/").value
    other = browser_in(tenant)
    other.set_cookie("pn_till", value, path=f"/t/{tenant.slug}/")
    assert other.get("/till/signin").status_code == 200  # not signed in there


def test_sign_out_ends_the_session_itself(browser_in, tenant, ada, post):
    client = browser_in(tenant)
    post(client)
    value = client.get_cookie("pn_admin", path=f"/t/{tenant.slug}/").value
    client.post("/admin/signout")
    client.set_cookie("pn_admin", value, path=f"/t/{tenant.slug}/")
    assert client.get("/admin/account/").status_code == 303


def test_five_failures_lock_this_address_out_of_this_account_only(browser_in, tenant, ada, post):
    client = browser_in(tenant)
    for _ in range(5):
        assert post(client, password="wrong wrong").status_code == 422
    locked = post(client)
    assert locked.status_code == 429
    assert post(client, email="other@x.example").status_code == 422
    assert post(client, environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 303


@pytest.mark.parametrize("method", ["pbkdf2:sha256:1000", "scrypt:1024:8:1"])
def test_an_old_hash_is_taken_once_and_made_new(browser_in, tenant, ada, app, method, post):
    with app.app_context(), tenant_scope(tenant.id):
        be_account(ada)
        db.session.execute(
            text("UPDATE account_secrets SET password_hash = :h"), {"h": generate_password_hash(PASSWORD, method)}
        )
        db.session.commit()
    assert post(browser_in(tenant)).status_code == 303
    with app.app_context(), tenant_scope(tenant.id):
        be_account(ada)
        assert db.session.scalar(text("SELECT password_hash FROM account_secrets")).startswith("$argon2id$")
    assert post(browser_in(tenant)).status_code == 303


def two_steps(app, tenant, ada):
    with app.app_context(), tenant_scope(tenant.id):
        secret = second_step.begin(ada)
        codes = second_step.confirm(ada, code=pyotp.TOTP(secret).now())
        be_account(ada)
        db.session.execute(text("UPDATE account_secrets SET totp_last_step = NULL"))
        db.session.commit()
    return secret, codes


def test_two_steps_and_each_code_works_once(browser_in, tenant, ada, app, post):
    secret, codes = two_steps(app, tenant, ada)
    client = browser_in(tenant)
    assert "/admin/signin/code" in post(client).location
    assert client.get("/admin/account/").status_code == 303  # the password alone opens nothing
    assert client.post("/admin/signin/code", data={"code": "000000"}).status_code == 422
    code = pyotp.TOTP(secret).now()
    assert client.post("/admin/signin/code", data={"code": code}).status_code == 303
    assert client.get("/admin/account/").status_code == 200
    second = browser_in(tenant)
    post(second)
    assert second.post("/admin/signin/code", data={"code": code}).status_code == 422
    assert second.post("/admin/signin/code", data={"code": codes[0].upper()}).status_code == 303
    third = browser_in(tenant)
    post(third)
    assert third.post("/admin/signin/code", data={"code": codes[0]}).status_code == 422


def test_a_changed_password_ends_other_sessions_in_every_tenant(
    browser_in, tenant, other_tenant, ada, app, post, email
):
    with app.app_context(), tenant_scope(other_tenant.id):
        services.create_staff(email=email, name="", password=PASSWORD, roles=["analyst"])
        db.session.commit()
    here, there, also = browser_in(tenant), browser_in(other_tenant), browser_in(tenant)
    for client in (here, there, also):
        post(client)
    answer = here.post("/admin/account/password", data={"current": PASSWORD, "new": "a better horse"})
    assert answer.status_code == 303
    assert here.get("/admin/account/").status_code == 200
    assert there.get("/admin/account/").status_code == 303
    assert also.get("/admin/account/").status_code == 303


def test_signing_in_costs_few_queries_later(staff_client, query_count):
    client = staff_client("owner")
    client.get("/admin/staff/invite")  # the tenant's own row is kept for some seconds
    with query_count() as seen:
        assert client.get("/admin/staff/invite").status_code == 200
    assert len(seen) <= 1
