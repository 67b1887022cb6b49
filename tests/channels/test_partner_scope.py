"""What a partner can and cannot see, asked of PostgreSQL itself, below every query of ours."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from channels.partners import queries, services
from channels.partners.facts import PartnerChanged
from config.extensions import Base, db
from tenants.errors import Malformed, NotFound
from tenants.events import record
from tenants.info import TenantInfo
from tenants.scope import TenantKey, tenant_scope

# Tenant tables a partner user may read in full: nothing in them is about money or other people.
SHARED = {"products", "categories", "units"}


def _partner(number: str) -> UUID:
    details = {
        "number": number,
        "name": f"Company {number}",
        "country": "CN",
        "status": "active",
        "territory": "Hangzhou",
    }
    return services.add_partner(**details, since=date(2020, 3, 1)).id  # type: ignore[typeddict-item]


@pytest.fixture
def two_partners(context: Flask, tenant: TenantInfo) -> tuple[UUID, UUID]:
    """Two partners, each with a person, a notice and an internal note; one notice for all."""
    with tenant_scope(tenant.id):
        first, second = _partner("P1"), _partner("P2")
        for number, partner_id in (("1", first), ("2", second)):
            services.invite_user(
                partner_id=partner_id,
                name="Li",
                email=f"li@{number}.example",
                locale="zh_Hans",
            )
            services.publish_notice(title=f"For {number}", body="…", partner_id=partner_id)
            services.note_internal_terms(partner_id=partner_id, margin_percent=Decimal("31.5"), note="ours")
        services.publish_notice(title="For all", body="…")
        db.session.commit()
    return first, second


def test_a_partner_meets_itself_and_the_notices_for_it(tenant: TenantInfo, two_partners: tuple[UUID, UUID]) -> None:
    first, second = two_partners
    with tenant_scope(tenant.id, first):
        assert queries.own_partner().id == first
        assert {n.title for n in queries.notices_for(first)} == {"For 1", "For all"}
        assert {n.title for n in queries.notices_for(second)} == {"For all"}
        assert [u.email for u in queries.users_of(first)] == ["li@1.example"]
        assert queries.users_of(second) == []
        with pytest.raises(NotFound):
            queries.partner(second)


def test_raw_sql_shows_a_partner_no_more(tenant: TenantInfo, two_partners: tuple[UUID, UUID]) -> None:
    with tenant_scope(tenant.id, two_partners[0]):
        for table, rows in (
            ("partners", 1),
            ("partner_users", 1),
            ("partner_notices", 2),
            ("partner_terms_internal", 0),
        ):
            assert db.session.execute(text(f"SELECT count(*) FROM {table}")).scalar() == rows, table


def test_a_partner_cannot_write_a_notice_or_a_margin(tenant: TenantInfo, two_partners: tuple[UUID, UUID]) -> None:
    first, _second = two_partners
    for statement in (
        f"INSERT INTO partner_notices (title, body, partner_id) VALUES ('x', 'x', '{first}')",
        f"INSERT INTO partner_terms_internal (partner_id, margin_percent) VALUES ('{first}', 1)",
    ):
        with (
            tenant_scope(tenant.id, first),
            pytest.raises(ProgrammingError, match="row-level security"),
        ):
            db.session.execute(text(statement))
    with tenant_scope(tenant.id, first):
        changed = db.session.execute(text("UPDATE partners SET name = 'mine'"))
        assert changed.rowcount == 0  # type: ignore[attr-defined]


def test_every_other_tenant_table_is_closed_to_partners(context: Flask, tenant: TenantInfo) -> None:
    """A new table must say whether partners may read it: partner_lock(), staff_only(), or SHARED above."""
    tenant_tables = {
        mapper.local_table.name for mapper in Base.registry.mappers if issubclass(mapper.class_, TenantKey)
    }
    with tenant_scope(tenant.id):
        restrictive = set(
            db.session.execute(text("SELECT tablename FROM pg_policies WHERE permissive = 'RESTRICTIVE'")).scalars()
        )
    assert tenant_tables - restrictive - SHARED == set()


def test_a_partner_leaves_a_trace_but_reads_none(tenant: TenantInfo, two_partners: tuple[UUID, UUID]) -> None:
    with tenant_scope(tenant.id, two_partners[0]):
        record(PartnerChanged(two_partners[0], "active"))
        db.session.commit()
        assert db.session.execute(text("SELECT count(*) FROM events")).scalar() == 0
    with tenant_scope(tenant.id):
        assert db.session.execute(text("SELECT count(*) FROM events WHERE kind = 'partner.changed'")).scalar() == 3


def test_a_number_or_an_address_is_used_once(tenant: TenantInfo, two_partners: tuple[UUID, UUID]) -> None:
    with tenant_scope(tenant.id):
        with pytest.raises(Malformed) as number:
            _partner("P1")
        assert "number" in number.value.errors
        with pytest.raises(Malformed) as email:
            services.invite_user(partner_id=two_partners[0], name="Li", email="LI@2.example", locale="en")
        assert "email" in email.value.errors


def test_who_may_sign_in(tenant: TenantInfo, two_partners: tuple[UUID, UUID]) -> None:
    with tenant_scope(tenant.id):
        user = queries.user_to_sign_in(" Li@1.example ")
        assert user is not None
        services.end_user(user_id=user.id)
        db.session.flush()
        assert queries.user_to_sign_in("li@1.example") is None
        assert queries.active_user(user.id) is None
