"""Every route × verb × kind of person gives what tenants/access.py says. Generated from the route table.

A new route needs nothing here, except that a public one is listed by hand: being open is a decision.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask

from tenants.access import PERMISSIONS, ROLES, SCOPES, Guard, guard_of, unguarded
from tenants.accounts.permission_words import PERMISSION_WORDS
from tenants.integrations.schemas import SCOPE_LABELS

NOBODY = uuid.UUID("01900000-0000-7000-8000-000000000000")
# endpoint → why everybody may call it
OPEN = {
    "static": "files of ours",
    "api-docs.openapi_json": "the description of the API",
    "brand.logo": "the sign-in page shows it",
    "directory.*": "product page and sign-up",
    "probes.*": "probes; the figures ask for their own token",
    "hooks.*": "ask for their own signature or token",
    "mailbox.*": "in development only",
    "shell.*": "colours, icon, choices of language and light",
    "signin.*": "sign-in outside",
    "accounts.*": "sign-in of staff", "till_signin.*": "sign-in at the till",
    "member_signin.*": "sign-in of members", "partner_signin.*": "sign-in of partner users",
    "console.sign_in": "sign-in", "console.second_step": "sign-in", "console.sign_out": "sign-out",
    "unsubscribe.*": "the link in a mail is the proof",
}  # fmt: skip
# The faces and the one kind of person whose cookie each of them reads.
KIND_OF_FACE = {
    "admin": "staff",
    "till": "staff",
    "portal": "member",
    "partner": "partner",
    "console": "operator",
    "api": "key",
}
PASSED = {200, 201, 202, 204, 302, 303, 400, 402, 404, 409, 422}


@dataclass(frozen=True)
class Way:
    """A route with one verb."""

    method: str
    path: str
    endpoint: str
    face: str | None
    guard: Guard | None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def ways(app: Flask) -> Iterator[Way]:
    for rule in app.url_map.iter_rules():
        path = rule.rule
        for name, converter in rule._converters.items():
            filled = str(NOBODY) if "UUID" in type(converter).__name__ else "x"
            for spelling in (f"<{name}>", f"<uuid:{name}>", f"<string:{name}>", f"<path:{name}>", f"<int:{name}>"):
                path = path.replace(spelling, filled)
        blueprint = app.blueprints.get(rule.endpoint.rpartition(".")[0])
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            yield Way(
                method, path, rule.endpoint, getattr(blueprint, "face", None), guard_of(app, rule.endpoint, method)
            )


def guarded(app: Flask, *faces: str) -> list[Way]:
    return [way for way in ways(app) if way.face in faces and way.guard is not None and way.guard.kind is not None]


def call(client, way: Way):
    return client.open(way.path, method=way.method, headers={"Accept": "text/html"} if way.face != "api" else {})


def is_to_sign_in(answer) -> bool:
    return answer.status_code == 303 and "/signin" in answer.location


def test_every_route_has_a_guard(app):
    assert unguarded(app) == []


def test_open_routes_are_listed_by_hand(app):
    found = {way.endpoint for way in ways(app) if way.guard and way.guard.kind is None}
    listed = {endpoint for endpoint in found if endpoint in OPEN or f"{endpoint.rpartition('.')[0]}.*" in OPEN}
    assert found - listed == set()


def test_each_face_is_for_one_kind_of_person(app):
    wrong = [
        str(way)
        for way in ways(app)
        if way.guard and way.guard.kind and KIND_OF_FACE.get(way.face or "") != way.guard.kind
    ]
    assert wrong == []


def test_the_owner_has_every_permission_and_roles_exist():
    assert all("owner" in roles for roles in PERMISSIONS.values())
    assert set().union(*PERMISSIONS.values()) == set(ROLES)


def test_every_permission_and_scope_is_said_in_words():
    assert set(PERMISSIONS) == set(PERMISSION_WORDS)
    assert set(SCOPES) == set(SCOPE_LABELS)


@pytest.mark.parametrize("role", ROLES)
def test_staff(app, staff_client, role):
    wrong = []
    clients = {face: staff_client(role, face=face) for face in ("admin", "till")}
    for way in guarded(app, "admin", "till"):
        status = call(clients[way.face], way).status_code
        allowed = role in PERMISSIONS[way.guard.permission]
        if (status in PASSED) != allowed or (not allowed and status != 403):
            wrong.append(f"{way} ({way.guard.permission}) gave {status}")
    assert wrong == []


def test_strangers(app, browser_in, tenant, client):
    wrong = []
    inside = browser_in(tenant)
    for way in guarded(app, *KIND_OF_FACE):
        answer = call(client if way.face == "console" else inside, way)
        if not (answer.status_code == 401 if way.face == "api" else is_to_sign_in(answer)):
            wrong.append(f"{way} gave {answer.status_code}")
    assert wrong == []


def test_members(app, member_client, a_member):
    """A member's cookie opens the portal and nothing else."""
    wrong = []
    client = member_client(a_member)
    for way in guarded(app, "portal", "admin", "till", "partner"):
        answer = call(client, way)
        right = (
            answer.status_code in PASSED and not is_to_sign_in(answer)
            if way.face == "portal"
            else is_to_sign_in(answer)
        )
        if not right:
            wrong.append(f"{way} gave {answer.status_code}")
    assert wrong == []


def test_partner_users(app, partner_client, a_partner_user):
    """A partner user's cookie opens the partner portal and nothing else."""
    wrong = []
    client = partner_client(a_partner_user)
    for way in guarded(app, "portal", "admin", "till", "partner"):
        answer = call(client, way)
        right = (
            answer.status_code in PASSED and not is_to_sign_in(answer)
            if way.face == "partner"
            else is_to_sign_in(answer)
        )
        if not right:
            wrong.append(f"{way} gave {answer.status_code}")
    assert wrong == []


@pytest.mark.parametrize("scope", SCOPES)
def test_keys(app, api_client, scope):
    """A key opens the routes of its scope; on pages it is nobody."""
    wrong = []
    client = api_client(scope)
    for way in guarded(app, "api", "admin"):
        status = call(client, way).status_code
        expected = PASSED | {415} if way.guard.scope == scope else {403}
        if status not in (expected if way.face == "api" else {303}):
            wrong.append(f"{way} ({way.guard.scope}) gave {status}")
    assert wrong == []


def test_the_operator(app, operator_client, tenant):
    """The operator's cookie opens the console and no tenant."""
    wrong = [
        f"{way} gave {answer.status_code}"
        for way in guarded(app, "console")
        if (answer := call(operator_client, way)).status_code not in PASSED or is_to_sign_in(answer)
    ]
    assert wrong == []
    assert is_to_sign_in(operator_client.get(f"/t/{tenant.slug}/admin/account/"))


def test_the_same_role_elsewhere_is_a_stranger(app, staff_client, browser_in, other_tenant):
    """An owner's cookie is of no use in another tenant, even when it is carried there by hand."""
    owner = staff_client("owner")
    value = owner.get_cookie("pn_admin", path=f"{owner.root}/").value
    thief = browser_in(other_tenant)
    thief.set_cookie("pn_admin", value, path=f"{thief.root}/")
    wrong = [str(way) for way in guarded(app, "admin") if not is_to_sign_in(call(thief, way))]
    assert wrong == []
