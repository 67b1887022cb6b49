"""Members and their cards. Addresses and consents live with delivery, points with points."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, DateTime, Index, Text, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from config.extensions import Base
from tenants.scope import TenantScoped, tenant_fk


class Member(TenantScoped, Base):
    """A person of the member programme. `number` is the tenant's own customer number.

    `status`: active; blocked by staff; left by own wish; withdrawn with the import that brought them.
    `sort_key` is the name as it sorts and is searched: lower case, Chinese in pinyin.
    """

    __tablename__ = "members"

    number: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text, default="", server_default=text("''"))
    sort_key: Mapped[str] = mapped_column(Text, default="", server_default=text("''"))
    birthday: Mapped[date | None] = mapped_column(Date)
    locale: Mapped[str | None] = mapped_column(Text)
    zone: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, default="active", server_default=text("'active'"))
    joined_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    import_id: Mapped[UUID | None] = mapped_column(Uuid)

    __table_args__ = (
        UniqueConstraint("tenant_id", "number"),
        CheckConstraint("status IN ('active', 'blocked', 'left', 'withdrawn')", name="status"),
        CheckConstraint("number <> ''", name="number"),
        Index("ix_members_tenant_id_sort_key", "tenant_id", "sort_key", "id"),
        Index("ix_members_tenant_id_joined_at", "tenant_id", "joined_at", "id"),
        Index(
            "ix_members_tenant_id_import_id",
            "tenant_id",
            "import_id",
            postgresql_where=text("import_id IS NOT NULL"),
        ),
    )


class Card(TenantScoped, Base):
    """A card of a member; one active card at a time. `number` is what the QR code says."""

    __tablename__ = "cards"

    member_id: Mapped[UUID] = mapped_column(Uuid)
    number: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, default="active", server_default=text("'active'"))
    issued_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))

    __table_args__ = (
        UniqueConstraint("tenant_id", "number"),
        CheckConstraint("status IN ('active', 'replaced', 'lost')", name="status"),
        tenant_fk("member_id", "members"),
        Index(
            "uq_cards_one_active",
            "tenant_id",
            "member_id",
            unique=True,
            postgresql_where=text("status = 'active'"),
        ),
    )
