"""Verbs of the directory: a tenant is made, changed, closed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from tenants.directory.models import Tenant
from tenants.errors import Conflict
from tenants.ids import new_id
from tenants.info import forget_tenants
from tenants.scope import system_session


def create_tenant(*, slug: str, name: str, country: str, locale: str, currency: str, zone: str, **more: Any) -> UUID:
    """Make a tenant and return its id. Committed by itself, as the system role.

    Raises Conflict("slug_taken"). `country` ISO 3166-1, `currency` ISO 4217, `zone` IANA.
    """
    tenant_id = new_id()
    with system_session() as session:
        if session.scalar(select(Tenant.id).where(Tenant.slug == slug)):
            raise Conflict(code="slug_taken")
        session.add(
            Tenant(id=tenant_id, slug=slug, name=name, country=country, locale=locale, currency=currency, zone=zone, **more)
        )
    forget_tenants()
    return tenant_id
