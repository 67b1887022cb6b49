"""Products and their categories."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Text, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from config.extensions import Base
from tenants.scope import TenantScoped, tenant_fk


class Category(TenantScoped, Base):
    """A group of products, by its name."""

    __tablename__ = "categories"

    name: Mapped[str] = mapped_column(Text)

    __table_args__ = (UniqueConstraint("tenant_id", "name"),)


class Product(TenantScoped, Base):
    """Something that is sold, by its SKU as the till and the files write it."""

    __tablename__ = "products"

    sku: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text, default="", server_default=text("''"))
    category_id: Mapped[UUID | None] = mapped_column(Uuid)
    status: Mapped[str] = mapped_column(Text, default="active", server_default=text("'active'"))
    import_id: Mapped[UUID | None] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))

    __table_args__ = (
        CheckConstraint("status IN ('active', 'retired')", name="status"),
        UniqueConstraint("tenant_id", "sku"),
        tenant_fk("category_id", "categories"),
        Index("ix_products_tenant_id_category_id", "tenant_id", "category_id"),
        Index("ix_products_tenant_id_name", "tenant_id", text("lower(name)")),
        Index("ix_products_tenant_id_import_id", "tenant_id", "import_id"),
    )
