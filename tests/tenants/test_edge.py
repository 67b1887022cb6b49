"""The life of a request: one commit below 400, refusals in the caller's form, headers on everything."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from flask import Blueprint, Flask, Response, g, jsonify
from sqlalchemy import func, select, text
from werkzeug.exceptions import ImATeapot

from config.extensions import csrf, db
from tenants.access import public, requires, unguarded
from tenants.edge import LOCALES, language_of
from tenants.errors import AppError, Conflict, Malformed, TooMany
from tenants.events import Event, record
from tenants.info import TenantInfo
from tenants.routing import COOKIES, face_of
from tenants.scope import current_tenant_id, tenant_scope
from tenants.web import page
from tests.tenants.test_relay import Rang

bp = Blueprint("edge_probe", __name__, url_prefix="/edge-probe")
bp.face = "any"  # type: ignore[attr-defined]


@bp.post("/<outcome>")
@public
def act(outcome: str) -> Any:
    """Record a fact, then end as asked."""
    record(Rang(outcome))
    if outcome in OUTCOMES:
        return OUTCOMES[outcome]()
    return Response(status=int(outcome))


def _raise(error: Exception) -> Callable[[], Any]:
    def act() -> Any:
        raise error

    return act


def _failing_commit() -> Response:
    db.session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
    db.session.connection().invalidate()  # the server goes away between the work and the commit
    return jsonify(status="saved")


OUTCOMES: dict[str, Callable[[], Any]] = {
    "conflict": _raise(Conflict(code="sold_out", left=0)),
    "malformed": _raise(Malformed({"email": ["Not an address."]})),
    "many": _raise(TooMany(retry_after=7)),
    "bug": _raise(ZeroDivisionError("oops")),
    "teapot": _raise(ImATeapot()),
    "commit": _failing_commit,
}


@pytest.fixture(scope="module")
def probe() -> Iterator[Flask]:
    """An app of its own with the probe's doors."""
    from app import create_app

    made = create_app()
    made.config["PROPAGATE_EXCEPTIONS"] = False
    csrf.exempt(bp)
    made.register_blueprint(bp)
    yield made
    csrf._exempt_blueprints.discard(bp.name)


@pytest.fixture
def post(probe: Flask, tenant: TenantInfo) -> Callable[..., Any]:
    client = probe.test_client()

    def send(outcome: str, **headers: str) -> Any:
        return client.post(f"/t/{tenant.slug}/edge-probe/{outcome}", headers=headers)

    return send


def recorded(app: Flask, tenant: TenantInfo) -> int:
    with app.app_context(), tenant_scope(tenant.id):
        return db.session.scalar(select(func.count()).select_from(Event)) or 0


@pytest.mark.parametrize("status", [200, 201, 204, 303])
def test_below_400_commits(probe: Flask, tenant: TenantInfo, post: Any, status: int) -> None:
    assert post(str(status)).status_code == status
    assert recorded(probe, tenant) == 1


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("400", 400),
        ("404", 404),
        ("500", 500),
        ("conflict", 409),
        ("malformed", 422),
        ("many", 429),
        ("bug", 500),
        ("teapot", 418),
        ("commit", 500),
    ],
)
def test_from_400_nothing_is_kept(probe: Flask, tenant: TenantInfo, post: Any, outcome: str, status: int) -> None:
    assert post(outcome).status_code == status
    assert recorded(probe, tenant) == 0


def test_a_program_gets_a_problem(post: Any) -> None:
    answer = post("conflict", Accept="application/json")
    assert answer.content_type == "application/problem+json"
    body = json.loads(answer.data)
    assert body["code"] == "sold_out"
    assert body["type"] == "urn:perennial:problem:sold_out"
    assert body["status"] == 409
    assert body["left"] == 0
    assert body["request_id"] == answer.headers["X-Request-ID"]


def test_malformed_names_the_fields(post: Any) -> None:
    body = json.loads(post("malformed", Accept="application/json").data)
    assert body["errors"] == {"email": ["Not an address."]}


def test_too_many_says_when(post: Any) -> None:
    assert post("many").headers["Retry-After"] == "7"


def test_a_person_gets_a_page_and_htmx_a_fragment(post: Any) -> None:
    assert "<html" in post("conflict").get_data(as_text=True)
    assert "<html" not in post("conflict", **{"HX-Request": "true"}).get_data(as_text=True)


def test_a_bug_shows_a_reference_and_no_details(post: Any) -> None:
    answer = post("bug")
    text_ = answer.get_data(as_text=True)
    assert answer.headers["X-Request-ID"] in text_
    assert "ZeroDivisionError" not in text_


def test_the_request_id_of_a_proxy_is_kept_if_it_is_one(post: Any) -> None:
    given = uuid4().hex
    assert post("200", **{"X-Request-ID": given}).headers["X-Request-ID"] == given
    assert post("200", **{"X-Request-ID": "a\tb"}).headers["X-Request-ID"] != "a\tb"
    assert post("200", **{"X-Request-ID": "<script>"}).headers["X-Request-ID"] != "<script>"


def test_every_answer_has_the_headers(post: Any, client: Any) -> None:
    for answer in (post("200"), post("bug"), client.get("/nowhere"), client.get("/healthz")):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Request-ID"]


def test_an_unknown_tenant_is_nowhere(client: Any) -> None:
    assert client.get("/t/nobody-here/").status_code == 404
    assert client.get("/t/nobody-here/admin/").status_code == 404


def test_a_tenant_is_found_by_its_own_host(app: Flask, tenant: TenantInfo) -> None:
    from tenants.info import forget_tenants
    from tenants.scope import system_session

    host = f"{tenant.slug}.shop.example"
    with app.app_context(), system_session() as session:
        session.execute(text("INSERT INTO tenant_hosts VALUES (:host, :tenant)"), {"host": host, "tenant": tenant.id})
    forget_tenants()
    client = app.test_client()
    assert client.get("/welcome", base_url=f"http://{host}").status_code == 404  # inside there is no product page
    assert client.get("/healthz", base_url=f"http://{host}").status_code == 200
    assert client.get("/", base_url="http://stranger.shop.example").status_code == 404


def test_faces_have_cookies_of_their_own() -> None:
    assert len(set(COOKIES.values())) == len(COOKIES)
    assert [
        face_of(path) for path in ("/admin/x", "/till", "/partner/", "/console", "/", "/signup", "/administer")
    ] == [
        "admin",
        "till",
        "partner",
        "console",
        "portal",
        "platform",
        "portal",
    ]


def test_a_view_without_a_guard_is_named() -> None:
    app = Flask("bare")
    app.add_url_rule("/open", "open", lambda: "")
    found = unguarded(app)
    assert any("/open" in line for line in found)
    with pytest.raises(KeyError):
        requires("no.such.permission")


def test_every_view_is_guarded(app: Flask) -> None:
    assert unguarded(app) == []


@pytest.mark.parametrize(
    ("tag", "ours"),
    [
        ("en-GB", "en"),
        ("zh-CN", "zh_Hans"),
        ("zh-TW", "zh_Hant"),
        ("zh-Hant-HK", "zh_Hant"),
        ("zh_Hans_CN", "zh_Hans"),
        ("de-DE", None),
        ("zh", "zh_Hans"),
    ],
)
def test_languages(tag: str, ours: str | None) -> None:
    assert language_of(tag) == ours
    assert ours is None or ours in LOCALES


def test_the_scope_of_a_request_ends_with_it(probe: Flask, post: Any, tenant: TenantInfo) -> None:
    post("200")
    from tenants.scope import in_scope

    assert not in_scope()
    with probe.test_request_context(), pytest.raises(AppError if hasattr(g, "tenant") else Exception):
        current_tenant_id()


def test_a_fragment_is_told_apart_by_caches(app: Flask) -> None:
    for headers in ({}, {"HX-Request": "true"}):
        with app.test_request_context(headers=headers):
            g.request_id = "x"
            answer = page("errors/_problem.html", "errors/_problem.html", error=AppError(), request_id="x")
            assert "HX-Request" in answer.headers["Vary"]
