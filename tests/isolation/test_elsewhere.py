"""What lies outside the tables carries the tenant too: jobs, Redis, caches, files, exports."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask

from config.extensions import db, redis
from tenants import jobs, relay
from tenants.errors import NotFound
from tenants.events import record
from tenants.info import TenantInfo, find_tenant, forget_tenants, tenant_info
from tenants.jobs import tenant_job
from tenants.scope import current_tenant_id, in_scope, tenant_scope
from tests.tenants.test_relay import Rang

SEEN: list[tuple[UUID, UUID]] = []

# Keys of Redis that belong to the installation and not to a tenant.
OF_ALL = ("rq:", "perennial:relay:hints", "perennial:scheduler:")


@tenant_job()
def look(tenant_id: UUID) -> None:
    """Note whose scope the job runs in."""
    SEEN.append((tenant_id, current_tenant_id()))


def test_a_job_runs_in_its_tenant_and_leaves_it(context: Flask, tenant: TenantInfo, other_tenant: TenantInfo) -> None:
    SEEN.clear()
    for who in (tenant, other_tenant, tenant):
        task_id = look.enqueue(who.id)
        jobs.run_task(str(who.id), str(task_id))
        assert not in_scope()
    assert [(who.id, who.id) for who in (tenant, other_tenant, tenant)] == SEEN


def test_a_handler_of_one_tenant_claims_no_event_of_another(
    context: Flask, tenant: TenantInfo, other_tenant: TenantInfo
) -> None:
    from sqlalchemy import select

    from tenants.events import Event

    with tenant_scope(tenant.id):
        record(Rang("mine"))
        db.session.commit()
        event_id = db.session.scalar(select(Event.id))
    with tenant_scope(other_tenant.id):
        assert relay.perform_batch("test.bells", [event_id]) == 0


def test_keys_of_redis_carry_the_tenant(
    app: Flask, tenant: TenantInfo, staff_client: Callable[..., Any], browser_in: Callable[..., Any]
) -> None:
    """After a sign-in, a page and a job, every key is the installation's or names a tenant."""
    with app.app_context():
        redis().flushdb()
        look.enqueue(tenant.id)
        staff_client("owner").get("/admin/members/")
        browser_in(tenant).post("/admin/signin", data={"email": "nobody@example.org", "password": "wrong"})
        browser_in(tenant).post("/me/signin", data={"address": "nobody@example.org"})
        for key in redis().scan_iter():
            name = key.decode()
            named = any(given in name for given in (str(tenant.id), tenant.id.hex, tenant.slug))
            assert named or name.startswith(OF_ALL), name


def test_the_directory_cache_does_not_mix_tenants(app: Flask, tenant: TenantInfo, other_tenant: TenantInfo) -> None:
    with app.app_context():
        forget_tenants()
        for _ in range(2):
            for who in (tenant, other_tenant):
                assert find_tenant(slug=who.slug) == tenant_info(who.id) == who


def test_files_lie_in_the_tenants_folder_and_are_not_found_from_another(
    context: Flask, tenant: TenantInfo, other_tenant: TenantInfo
) -> None:
    from tenants.files import queries, services

    with tenant_scope(tenant.id):
        stored = services.save(b"secret", name="../../etc/passwd", purpose="test")
        file_id = stored.id
        db.session.commit()
    folder = context.extensions["settings"].files_dir
    (where,) = folder.rglob(f"*{file_id}*") or folder.rglob(f"*{file_id.hex}*")
    assert str(tenant.id) in str(where) or tenant.id.hex in str(where)
    with tenant_scope(other_tenant.id), pytest.raises(NotFound):
        queries.file(file_id)
    with tenant_scope(other_tenant.id), pytest.raises(NotFound):
        services.delete(file_id)
    assert where.exists()


def test_an_export_holds_the_own_rows_only(
    app: Flask, tenant: TenantInfo, other_tenant: TenantInfo, staff_client: Callable[..., Any]
) -> None:
    from loyalty.members.models import Member

    for who in (tenant, other_tenant):
        with app.app_context(), tenant_scope(who.id):
            db.session.add(Member(number=f"N-{who.slug}", name=uuid4().hex))
            db.session.commit()
    answer = staff_client("owner").get("/admin/members/?format=csv")
    assert answer.status_code == 200
    text = answer.get_data(as_text=True)
    answer.close()
    assert len(list(csv.reader(io.StringIO(text)))) == 2
    assert f"N-{tenant.slug}" in text
    assert other_tenant.slug not in text


def test_a_session_of_one_tenant_is_nobody_in_another(
    app: Flask, tenant: TenantInfo, other_tenant: TenantInfo, staff_client: Callable[..., Any]
) -> None:
    client = staff_client("owner")
    assert client.get("/admin/members/").status_code == 200
    cookies = {cookie.key: cookie.value for cookie in client._cookies.values()}
    stranger = app.test_client()
    for name, value in cookies.items():
        stranger.set_cookie(name, value, path="/")
    answer = stranger.get(f"/t/{other_tenant.slug}/admin/members/")
    assert answer.status_code in {302, 303, 401}


def test_a_key_of_one_tenant_opens_no_other(
    app: Flask, tenant: TenantInfo, other_tenant: TenantInfo, api_client: Callable[..., Any]
) -> None:
    key = api_client("members:read").key
    headers = {"Authorization": f"Bearer {key}"}
    client = app.test_client()
    assert client.get(f"/t/{tenant.slug}/api/v1/members", headers=headers).status_code == 200
    assert client.get(f"/t/{other_tenant.slug}/api/v1/members", headers=headers).status_code == 401
    assert client.get("/api/v1/members", headers=headers).status_code == 200  # the key's prefix names its tenant
