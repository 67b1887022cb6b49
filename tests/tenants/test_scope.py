"""The scope itself: when it may be entered, what it sets, what it leaves behind."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from config.extensions import db
from tenants.events import Event, record
from tenants.info import TenantInfo
from tenants.scope import (
    ScopeError,
    call,
    current_partner_id,
    current_tenant_id,
    in_scope,
    system_session,
    tenant_scope,
)
from tests.tenants.test_relay import Rang


def setting(name: str) -> Any:
    return db.session.scalar(text(f"SELECT current_setting('app.{name}', true)"))


def test_outside_there_is_no_tenant(context: Flask) -> None:
    assert not in_scope()
    with pytest.raises(ScopeError):
        current_tenant_id()


def test_inside_every_transaction_has_the_tenant(context: Flask, tenant: TenantInfo) -> None:
    with tenant_scope(tenant.id):
        assert setting("tenant_id") == str(tenant.id)
        db.session.commit()
        assert setting("tenant_id") == str(tenant.id)
        db.session.rollback()
        assert setting("tenant_id") == str(tenant.id)
        with db.session.begin_nested():
            assert setting("tenant_id") == str(tenant.id)


def test_a_scope_is_refused_while_a_transaction_is_open(
    context: Flask, tenant: TenantInfo, other_tenant: TenantInfo
) -> None:
    with tenant_scope(tenant.id):
        setting("tenant_id")
        with pytest.raises(ScopeError, match="while a transaction is open"), tenant_scope(other_tenant.id):
            pass
        db.session.commit()
        with tenant_scope(other_tenant.id):
            assert setting("tenant_id") == str(other_tenant.id)
        assert current_tenant_id() == tenant.id
        assert setting("tenant_id") == str(tenant.id)


@pytest.mark.parametrize("bad", [None, "", "0; DROP TABLE members", 7])
def test_only_uuids_enter(context: Flask, bad: Any) -> None:
    with pytest.raises(ScopeError), tenant_scope(bad):
        pass


def test_the_connection_goes_back_clean(context: Flask, tenant: TenantInfo) -> None:
    with tenant_scope(tenant.id):
        setting("tenant_id")
        db.session.commit()
    for _ in range(20):  # whichever connection of the pool it is
        with db.engine.connect() as connection:
            assert not connection.scalar(text("SELECT current_setting('app.tenant_id', true)"))


def test_without_a_scope_a_tenant_table_raises(context: Flask) -> None:
    with pytest.raises(DBAPIError):
        db.session.scalars(select(Event)).all()
    db.session.rollback()
    with pytest.raises(DBAPIError), db.engine.connect() as connection:
        connection.execute(text("SELECT * FROM events")).all()


def test_what_one_scope_loaded_is_not_served_in_the_next(
    context: Flask, tenant: TenantInfo, other_tenant: TenantInfo
) -> None:
    with tenant_scope(tenant.id):
        record(Rang("mine"))
        db.session.commit()
        mine = db.session.scalars(select(Event)).one()
        key = (mine.tenant_id, mine.id, mine.recorded_at)
    with tenant_scope(other_tenant.id):
        assert db.session.get(Event, key) is None
        assert db.session.scalars(select(Event)).all() == []


def test_an_error_leaves_the_scope_and_rolls_back(context: Flask, tenant: TenantInfo) -> None:
    def act() -> None:
        with tenant_scope(tenant.id):
            record(Rang("never"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        act()
    assert not in_scope()
    with tenant_scope(tenant.id):
        assert db.session.scalars(select(Event)).all() == []


def test_statements_carry_the_tenant_for_the_cluster(context: Flask, tenant: TenantInfo, query_count: Any) -> None:
    with tenant_scope(tenant.id), query_count() as seen:
        db.session.scalars(select(Event)).all()
        db.session.query(Event).filter(Event.kind == "x").update({"published_at": None})
    assert len(seen) == 2
    assert all("tenant_id = " in statement for statement in seen)


def test_the_partner_is_a_second_scope(context: Flask, tenant: TenantInfo) -> None:
    partner = uuid4()
    with tenant_scope(tenant.id, partner):
        assert current_partner_id() == partner
        assert setting("partner_id") == str(partner)
    with tenant_scope(tenant.id):
        assert current_partner_id() is None
        assert setting("partner_id") == ""


def test_the_hot_path_is_refused_inside_a_transaction(context: Flask, tenant: TenantInfo) -> None:
    with tenant_scope(tenant.id):
        assert call("SELECT enter_tenant(:tenant)", {"tenant": tenant.id})
        setting("tenant_id")
        with pytest.raises(ScopeError):
            call("SELECT enter_tenant(:tenant)", {"tenant": tenant.id})


def test_a_function_does_not_serve_a_second_tenant(
    context: Flask, tenant: TenantInfo, other_tenant: TenantInfo
) -> None:
    with tenant_scope(tenant.id), pytest.raises(DBAPIError, match="another tenant is in force"):
        db.session.execute(text("SELECT enter_tenant(:tenant)"), {"tenant": other_tenant.id})


def test_the_system_role_sees_all_and_commits_once(
    context: Flask, tenant: TenantInfo, other_tenant: TenantInfo
) -> None:
    with system_session() as session:
        slugs = set(session.scalars(text("SELECT slug FROM tenants")))
    assert {tenant.slug, other_tenant.slug} <= slugs

    def act() -> None:
        with system_session() as session:
            session.execute(text("UPDATE tenants SET name = 'changed' WHERE id = :id"), {"id": tenant.id})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        act()
    with system_session() as session:
        name = session.scalar(text("SELECT name FROM tenants WHERE id = :id"), {"id": tenant.id})
    assert name == tenant.name


def test_the_app_role_reads_no_other_tenants_directory_row(
    context: Flask, tenant: TenantInfo, other_tenant: TenantInfo
) -> None:
    with tenant_scope(tenant.id):
        assert list(db.session.scalars(text("SELECT id FROM tenants"))) == [tenant.id]
