"""Stored files: in the tenant's folder, checked, limited, served as downloads only."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tenants.files.rules import safe_name
from tenants.info import TenantInfo


def test_names_lose_paths_and_control_characters() -> None:
    assert safe_name("../../etc/passwd") == "passwd"
    assert safe_name("C:\\tmp\\sales.csv") == "sales.csv"
    assert safe_name('a"b\x00c.csv') == "a_b_c.csv"
    assert safe_name("") == "file"
    assert len(safe_name("x" * 400 + ".csv")) == 120
    assert safe_name("销售.csv") == "销售.csv"


def test_bytes_come_back_and_damage_is_noticed(scope: Session, tenant: TenantInfo) -> None:
    from tenants.files import queries, services

    stored = services.save(b"hello", name="a.txt", purpose="test")
    place = queries.path(stored)
    assert str(tenant.id) in place.parts
    assert queries.content(stored) == b"hello"
    place.write_bytes(b"jello")
    with pytest.raises(queries.Damaged):
        queries.content(stored)
    services.delete(stored.id)
    assert not place.exists()


def test_too_large_a_file_is_refused(scope: Session) -> None:
    from tenants.errors import Malformed
    from tenants.files import services

    with pytest.raises(Malformed):
        services.save(b"x" * 11, name="a.txt", purpose="test", limit=10)


def test_a_download_is_for_the_tenants_own_staff(
    app: Flask, tenant: TenantInfo, other_tenant: TenantInfo, staff_client: Callable[..., FlaskClient]
) -> None:
    from config.extensions import db
    from tenants.files import services
    from tenants.scope import tenant_scope

    with app.app_context(), tenant_scope(tenant.id):
        ident = services.save(b"<script>", name="页.html", purpose="test").id
        db.session.commit()
    answer = staff_client("manager").get(f"/admin/files/{ident}")
    assert (answer.status_code, answer.data) == (200, b"<script>")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.mimetype == "application/octet-stream"
    answer.close()
    assert staff_client("cashier").get(f"/admin/files/{ident}").status_code == 403
    assert staff_client("manager", where=other_tenant).get(f"/admin/files/{ident}").status_code == 404
