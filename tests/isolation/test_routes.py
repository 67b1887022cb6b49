"""Every route with an id × another tenant's ids → 404. Generated from the route table: a new route is tried by itself.

In the portals the same is asked of another member's or another partner's things in the same tenant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from werkzeug.routing import Rule

from tenants.access import SCOPES, guard_of
from tenants.info import TenantInfo, tenant_info
from tenants.scope import tenant_scope
from tests.isolation.conftest import World
from tests.isolation.rows import Rows, tenant_tables

# What an argument of a route names: table and column.
NAMES = {
    "account_id": ("memberships", "account_id"),
    "address_id": ("addresses", "id"),
    "event_id": ("events", "id"),
    "file_id": ("files", "id"),
    "host": ("tenant_hosts", "host"),
    "import_id": ("imports", "id"),
    "invitation_id": ("invitations", "id"),
    "key_id": ("api_keys", "id"),
    "member_id": ("members", "id"),
    "message_id": ("messages", "id"),
    "notice_id": ("partner_notices", "id"),
    "number": ("members", "number"),
    "partner_id": ("partners", "id"),
    "person_id": ("members", "id"),
    "product_id": ("products", "id"),
    "purchase_id": ("purchases", "id"),
    "session_id": ("sessions", "id"),
    "suppression_id": ("suppressions", "id"),
    "task_id": ("tasks", "id"),
    "user_id": ("partner_users", "id"),
}
# Arguments that name nothing of a tenant's, with the value to send along.
PLAIN = {"status": "suspended"}
# Routes without an id of a tenant's row, each with the reason.
WITHOUT = {
    "static": "files of the program",
    "delivery.template": "names a template of the program",
    "delivery.template_html": "names a template of the program",
    "mailbox.show": "the development mailbox of the whole installation, absent in production",
    "mailbox.html": "the same",
    "signin.enter": "outside tenants; a person's own places only, tried in tests/tenants/accounts",
    "accounts.handover": "a secret that is looked up in the scope; tried with the table of its hashes",
    "accounts.accept": "the same",
    "accounts.reset": "a signed secret of a person, not of a tenant",
    "member_signin.link": "a secret that is looked up in the scope",
    "partner_signin.link": "the same",
    "unsubscribe.show": "a signed secret that names its tenant",
    "unsubscribe.one_click": "the same",
    "unsubscribe.choose": "the same",
}
# Lists narrowed by an id: with a foreign one they are empty instead of absent.
LISTS = {"delivery.person": "the messages of a person the delivery package does not know by itself"}
# Pages whose own row needs more than a row: bytes on the disk, a file that was read, a published programme.
NEED_MORE = {"files.download", "imports.mapping", "imports.refused", "imports.show", "members.show", "till.member"}
# What a form must hold so that the id is what it is refused for.
FORMS: dict[str, dict[str, str]] = {
    "health.retry_event": {"handler": "x"},
}


def routes(app: Flask) -> Iterator[tuple[Rule, str, str | None]]:
    """Each rule with arguments, each of its methods, and the kind of person it is for."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}) if rule.arguments else ():
            guard = guard_of(app, rule.endpoint, method)
            kind = guard.kind if guard else None
            if kind != "operator" and rule.endpoint not in WITHOUT:
                yield rule, method, kind


@pytest.fixture(scope="module")
def people(app: Flask, world: World) -> dict[str | None, Any]:
    """A browser of tenant A for each kind of person."""
    from config.extensions import db
    from tenants.accounts.login import cookie_for
    from tenants.accounts.services import create_staff
    from tenants.accounts.sessions import start_session
    from tenants.integrations.services import issue_key

    rows = world.rows[world.a]
    with app.app_context(), tenant_scope(world.a):
        owner = create_staff(
            email=f"owner@{world.a.hex}.example", name="Owner", password="correct horse", roles=("owner",)
        )
        subjects = {"staff": owner, "member": rows["members"]["id"], "partner": rows["partner_users"]["id"]}
        faces = {"staff": "admin", "member": "portal", "partner": "partner"}
        tokens = {kind: start_session(kind=kind, subject_id=who, face=faces[kind]) for kind, who in subjects.items()}
        till = start_session(kind="staff", subject_id=owner, face="till")
        key = issue_key("isolation", SCOPES)
        db.session.commit()
        slug = tenant_info(world.a).slug
    clients: dict[str | None, Any] = {kind: app.test_client() for kind in (*tokens, "key", None)}
    for kind, token in tokens.items():
        name, value = cookie_for(app, kind=kind, token=token, face=faces[kind])
        clients[kind].set_cookie(name, value, path=f"/t/{slug}/")
    name, value = cookie_for(app, kind="staff", token=till, face="till")
    clients["staff"].set_cookie(name, value, path=f"/t/{slug}/")
    clients["key"].environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    return clients


@pytest.fixture(scope="module")
def ask(app: Flask, world: World, people: dict[str | None, Any]) -> Callable[..., Any]:
    """ask(rule, method, kind, rows): the answer to tenant A's person with the ids of these rows."""
    with app.app_context():
        here: TenantInfo = tenant_info(world.a)

    def send(rule: Rule, method: str, kind: str | None, rows: dict[str, dict[str, Any]]) -> Any:
        values = {}
        for argument in rule.arguments:
            if argument in PLAIN:
                values[argument] = PLAIN[argument]
                continue
            assert argument in NAMES, (
                f"say in NAMES which row <{argument}> of {rule.rule} names, or why none in WITHOUT"
            )
            table, column = NAMES[argument]
            values[argument] = rows[table][column]
        with app.test_request_context():
            path = app.url_map.bind("localhost").build(rule.endpoint, values, method=method)
        body = {"json": {}} if rule.rule.startswith("/api/") else {"data": FORMS.get(rule.endpoint, {})}
        if method == "GET":
            body = {}
        return people[kind].open(f"/t/{here.slug}{path}", method=method, **body)

    return send


def test_another_tenants_ids_are_nowhere(app: Flask, world: World, ask: Callable[..., Any], subtests: Any) -> None:
    theirs = world.rows[world.b]
    tried = 0
    for rule, method, kind in routes(app):
        with subtests.test(f"{method} {rule.rule}"):
            answer = ask(rule, method, kind, theirs)
            if rule.endpoint in LISTS:
                assert answer.status_code == 200
                assert str(theirs["messages"]["id"]) not in answer.get_data(as_text=True)
            else:
                assert answer.status_code == 404
        tried += 1
    assert tried > 40


def test_ones_own_ids_are_somewhere(app: Flask, world: World, ask: Callable[..., Any], subtests: Any) -> None:
    """The control: with an id of one's own the same page is there, so it was the tenant that was refused above."""
    for rule, method, kind in routes(app):
        if method == "GET" and kind == "staff" and rule.endpoint not in NEED_MORE:
            with subtests.test(f"{method} {rule.rule}"):
                assert ask(rule, method, kind, world.rows[world.a]).status_code in {200, 302, 303}


def test_another_persons_things_are_nowhere(app: Flask, world: World, ask: Callable[..., Any], subtests: Any) -> None:
    """A member does not meet another member's purchases, a partner not another partner's notices."""
    with world.admin.begin() as past:
        factory = Rows(past, world.a)
        rival = {table.name: factory.parent(table) for table in _personal()}
        notice = factory.make(_table("partner_notices"), partner_id=rival["partners"]["id"])
        rival["partner_notices"] = notice
        for table in ("addresses", "sessions", "purchases"):
            column = "subject_id" if table == "sessions" else "person_id"
            extra: dict[str, UUID] = {} if table == "purchases" else {column: rival["members"]["id"]}
            if table == "purchases":
                extra = {"member_id": rival["members"]["id"]}
            rival[table] = factory.make(_table(table), **extra)
    for rule, method, kind in routes(app):
        if kind in {"member", "partner"}:
            with subtests.test(f"{method} {rule.rule}"):
                assert ask(rule, method, kind, rival).status_code == 404


def _table(name: str) -> Any:
    return next(table for table in tenant_tables() if table.name == name)


def _personal() -> list[Any]:
    return [_table(name) for name in ("members", "partners", "partner_users")]


def test_nobody_signed_in_meets_nothing(app: Flask, world: World, subtests: Any) -> None:
    """Without a sign-in every route for somebody refuses, whatever the id."""
    client = app.test_client()
    with app.app_context():
        slug = tenant_info(world.a).slug
    for rule, method, kind in routes(app):
        if kind is None:
            continue
        with app.test_request_context():
            values = {
                arg: PLAIN.get(arg) or world.rows[world.a][NAMES[arg][0]][NAMES[arg][1]] for arg in rule.arguments
            }
            path = app.url_map.bind("localhost").build(rule.endpoint, values, method=method)
        with subtests.test(f"{method} {rule.rule}"):
            answer = client.open(f"/t/{slug}{path}", method=method)
            refused = answer.status_code in {400, 401, 403}  # 400: the form's token is missing as well
            assert refused or (answer.status_code in {302, 303} and "signin" in answer.headers["Location"])
