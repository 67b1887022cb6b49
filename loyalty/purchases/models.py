"""Purchases and refunds as documents with lines. Written by services.py through one SQL function each."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    CHAR,
    BigInteger,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from config.extensions import Base
from tenants.scope import TenantScoped, tenant_fk


class Document(TenantScoped):
    """What purchases and refunds have in common.

    (source, external_id) is the business key, once for ever unless an undone import withdrew it.
    `member_id` NULL is a sale to somebody unknown. `day` is the local day that counted.
    """

    source: Mapped[str] = mapped_column(Text)
    external_id: Mapped[str] = mapped_column(Text)
    member_id: Mapped[UUID | None] = mapped_column(Uuid)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    booked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    day: Mapped[date] = mapped_column(Date)
    currency: Mapped[str] = mapped_column(CHAR(3))
    total_minor: Mapped[int] = mapped_column(BigInteger)
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    import_id: Mapped[UUID | None] = mapped_column(Uuid)
    place: Mapped[str | None] = mapped_column(Text)
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    @declared_attr.directive
    def __table_args__(cls) -> tuple[object, ...]:  # noqa: N805  # SQLAlchemy passes the class
        name = cls.__tablename__  # type: ignore[attr-defined]
        return (
            tenant_fk("member_id", "members"),
            Index(
                f"uq_{name}_document",
                "tenant_id",
                "source",
                "external_id",
                unique=True,
                postgresql_where=text("withdrawn_at IS NULL"),
            ),
            Index(f"ix_{name}_member", "tenant_id", "member_id", text("occurred_at DESC"), text("id DESC")),
            Index(
                f"ix_{name}_import",
                "tenant_id",
                "import_id",
                postgresql_where=text("import_id IS NOT NULL"),
            ),
            Index(f"ix_{name}_occurred_at", "tenant_id", "occurred_at", "id"),
        )


class Purchase(Document, Base):
    """One purchase. Never changed: a correction is a refund or another document."""

    __tablename__ = "purchases"


class Refund(Document, Base):
    """One return or cancellation; its total is positive."""

    __tablename__ = "refunds"


class PurchaseLine(TenantScoped, Base):
    """What was bought. The returned figures are caches of the refund lines."""

    __tablename__ = "purchase_lines"

    purchase_id: Mapped[UUID] = mapped_column(Uuid)
    line_no: Mapped[int] = mapped_column(Integer)
    sku: Mapped[str] = mapped_column(Text)
    product_id: Mapped[UUID | None] = mapped_column(Uuid)
    description: Mapped[str] = mapped_column(Text, default="", server_default=text("''"))
    quantity: Mapped[Decimal | None] = mapped_column(Numeric)
    unit_price: Mapped[Decimal | None] = mapped_column(Numeric)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    returned_quantity: Mapped[Decimal] = mapped_column(Numeric, default=Decimal(0), server_default=text("0"))
    returned_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))

    __table_args__ = (
        UniqueConstraint("tenant_id", "purchase_id", "line_no"),
        tenant_fk("purchase_id", "purchases"),
        tenant_fk("product_id", "products"),
    )


class RefundLine(TenantScoped, Base):
    """What came back. Without `purchase_line_id` no original is known and nothing is taken.

    A line that came from several purchases is split into parts. `spend_minor` is what it took off
    the spend that counts for tiers: never more than the original had left.
    """

    __tablename__ = "refund_lines"

    refund_id: Mapped[UUID] = mapped_column(Uuid)
    line_no: Mapped[int] = mapped_column(Integer)
    part: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    sku: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, default="", server_default=text("''"))
    quantity: Mapped[Decimal | None] = mapped_column(Numeric)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    spend_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    purchase_line_id: Mapped[UUID | None] = mapped_column(Uuid)
    points_reversed: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    points_forgiven: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))

    __table_args__ = (
        UniqueConstraint("tenant_id", "refund_id", "line_no", "part"),
        tenant_fk("refund_id", "refunds"),
        tenant_fk("purchase_line_id", "purchase_lines"),
        Index(
            "ix_refund_lines_purchase_line",
            "tenant_id",
            "purchase_line_id",
            postgresql_where=text("purchase_line_id IS NOT NULL"),
        ),
    )
