"""What the directory knows of the tenant in force. Read only."""

from __future__ import annotations

from sqlalchemy import select

from config.extensions import db
from tenants.directory.models import BrandFile, Tenant, TenantHost
from tenants.scope import current_tenant_id, system_session


def own_tenant() -> Tenant:
    """The directory row of the tenant in force."""
    return db.session.scalars(select(Tenant).where(Tenant.id == current_tenant_id())).one()


def hosts() -> list[TenantHost]:
    """Host names of the tenant in force; row-level security leaves out the others'."""
    return list(db.session.scalars(select(TenantHost).order_by(TenantHost.host)))


def logo() -> BrandFile | None:
    """The tenant's logo."""
    return db.session.scalar(select(BrandFile).where(BrandFile.kind == "logo"))


def slug_is_free(slug: str) -> bool:
    """Whether no tenant has this slug; asked as the system role, before a tenant is known."""
    with system_session() as session:
        return session.scalar(select(Tenant.id).where(Tenant.slug == slug)) is None
