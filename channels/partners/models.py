"""Tables of the partners: who sells for the brand, which people may sign in, what they were told."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    CHAR,
    CheckConstraint,
    Date,
    DateTime,
    Index,
    Numeric,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from config.extensions import Base
from tenants.scope import TenantScoped, tenant_fk


class Partner(TenantScoped, Base):
    """A company that sells for the brand. `since` is the day the cooperation began."""

    __tablename__ = "partners"

    number: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    country: Mapped[str] = mapped_column(CHAR(2))
    status: Mapped[str] = mapped_column(Text, default="active", server_default="active")
    territory: Mapped[str] = mapped_column(Text, default="", server_default="")
    since: Mapped[date] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))

    __table_args__ = (
        UniqueConstraint("tenant_id", "number"),
        CheckConstraint("status IN ('active', 'paused', 'ended')", name="status"),
        CheckConstraint("length(number) BETWEEN 1 AND 40", name="number"),
    )


class PartnerUser(TenantScoped, Base):
    """A person of a partner who may sign in to the portal. The e-mail address is lower case."""

    __tablename__ = "partner_users"

    partner_id: Mapped[UUID] = mapped_column(Uuid)
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    locale: Mapped[str] = mapped_column(Text, default="en", server_default="en")
    status: Mapped[str] = mapped_column(Text, default="active", server_default="active")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))

    __table_args__ = (
        tenant_fk("partner_id", "partners"),
        UniqueConstraint("tenant_id", "email"),
        Index(None, "tenant_id", "partner_id"),
        CheckConstraint("status IN ('active', 'ended')", name="status"),
        CheckConstraint("email = lower(email)", name="email"),
    )


class PartnerNotice(TenantScoped, Base):
    """Something partners are told; without `partner_id` it is for all of them."""

    __tablename__ = "partner_notices"

    partner_id: Mapped[UUID | None] = mapped_column(Uuid)
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    published_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        tenant_fk("partner_id", "partners"),
        Index(None, "tenant_id", "published_at"),
    )


class PartnerTermsInternal(TenantScoped, Base):
    """What the brand notes about a partner for itself. A partner user can never read this table."""

    __tablename__ = "partner_terms_internal"

    partner_id: Mapped[UUID] = mapped_column(Uuid)
    margin_percent: Mapped[Decimal | None] = mapped_column(Numeric(6, 2))
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))

    __table_args__ = (
        tenant_fk("partner_id", "partners"),
        UniqueConstraint("tenant_id", "partner_id"),
        CheckConstraint("margin_percent BETWEEN -100 AND 100", name="margin_percent"),
    )
