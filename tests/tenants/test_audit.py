"""The audit log says what happened, by whom, and exports it."""

from __future__ import annotations

import uuid

from config.extensions import db
from tenants.audit import words
from tenants.events import Fact, acting_as, record
from tenants.scope import tenant_scope


def _facts(cls=Fact):
    for child in cls.__subclasses__():
        yield child
        yield from _facts(child)


def test_every_kind_of_fact_is_said_in_words(app):
    unsaid = {
        fact.kind for fact in _facts() if fact.__module__.split(".")[0] in ("tenants", "loyalty", "channels")
    } - set(words.KINDS)
    assert unsaid == set()
    assert {kind.partition(".")[0] for kind in words.KINDS} <= set(words.GROUPS)


def test_it_lists_filters_searches_shows_and_exports(staff_client, tenant, app):
    from tenants.accounts.facts import RolesChanged

    owner = staff_client("owner")
    member = uuid.uuid4()
    with app.app_context(), tenant_scope(tenant.id), acting_as("staff", owner.account_id):
        record(RolesChanged(account_id=member, before=["care"], after=["owner"]))
        db.session.commit()
    page = owner.get("/admin/audit/").get_data(as_text=True)
    assert "Roles changed" in page
    assert "Owner" in page
    found = owner.get(f"/admin/audit/?q={member}&format=csv").get_data(as_text=True)
    assert found.count("staff.roles_changed") == 1
    assert "staff.roles_changed" not in owner.get("/admin/audit/?group=account&format=csv").get_data(as_text=True)
    assert "staff.roles_changed" in owner.get("/admin/audit/?actor=staff&q=staff.r&format=csv").get_data(as_text=True)
    assert "account.signed_in" not in owner.get("/admin/audit/?q=staff.&format=csv").get_data(as_text=True)
    assert owner.get(f"/admin/audit/{member}").status_code == 404


def test_another_tenants_events_are_not_there(staff_client, other_tenant, query_count):
    owner, stranger = staff_client("owner"), staff_client("owner", where=other_tenant)
    assert str(stranger.account_id) not in owner.get("/admin/audit/?format=csv").get_data(as_text=True)


def test_a_page_asks_a_fixed_number_of_questions(staff_client, query_count):
    owner = staff_client("owner")
    owner.get("/admin/audit/")
    with query_count() as seen:
        owner.get("/admin/audit/")
    assert len(seen) <= 5
