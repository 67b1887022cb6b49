"""The points ledger and the programme. Only ledger.py writes lots, entries and allocations."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from config.extensions import Base
from tenants.scope import TenantKey, TenantScoped, tenant_fk

Stamp = DateTime(timezone=True)
LEFT = text("remaining > 0")


def account_fk() -> ForeignKeyConstraint:
    """Reference the member's point account."""
    return ForeignKeyConstraint(["tenant_id", "member_id"], ["point_accounts.tenant_id", "point_accounts.member_id"])


class Programme(TenantKey, Base):
    """The tenant's one programme: which versions are in force, and the published tier policy for the hot path."""

    __tablename__ = "programmes"

    name: Mapped[str] = mapped_column(Text)
    rule_version: Mapped[int] = mapped_column(Integer)
    cost_per_point: Mapped[Decimal] = mapped_column(Numeric, default=Decimal(0), server_default=text("0"))
    tier_policy_version: Mapped[int] = mapped_column(Integer)
    tier_thresholds: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    tier_window_months: Mapped[int] = mapped_column(Integer)
    tier_review_months: Mapped[int] = mapped_column(Integer)
    tiers_run_on: Mapped[date | None] = mapped_column(Date)
    proved_at: Mapped[datetime | None] = mapped_column(Stamp)
    proof: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))


class RuleVersion(TenantKey, Base):
    """A published earning rule. The document: points, step, rounding, months, round_up."""

    __tablename__ = "rule_versions"

    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    published_at: Mapped[datetime] = mapped_column(Stamp, server_default=text("now()"))


class PointAccount(TenantKey, Base):
    """Cached balance and standing of a member, both provable from the ledger and the spend.

    `tier_stale_from`: facts of this day or later came out of date order, the walk must be taken again.
    `last_fact_on`: the latest day on which spend was counted.
    """

    __tablename__ = "point_accounts"

    member_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    balance: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    debt: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    tier_rank: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    tier_since: Mapped[date | None] = mapped_column(Date)
    review_on: Mapped[date | None] = mapped_column(Date)
    tier_stale_from: Mapped[date | None] = mapped_column(Date)
    last_fact_on: Mapped[date | None] = mapped_column(Date)

    __table_args__ = (
        CheckConstraint("balance >= 0", name="not_below_zero"),
        CheckConstraint("debt >= 0", name="debt"),
        tenant_fk("member_id", "members"),
        Index(
            "ix_point_accounts_review",
            "tenant_id",
            "review_on",
            postgresql_where=text("review_on IS NOT NULL"),
        ),
        Index(
            "ix_point_accounts_stale",
            "tenant_id",
            "member_id",
            postgresql_where=text("tier_stale_from IS NOT NULL"),
        ),
        {"postgresql_with": {"fillfactor": "70"}},
    )


class Lot(TenantScoped, Base):
    """One award with its own fixed lapse. `remaining` caches points plus allocations."""

    __tablename__ = "lots"

    member_id: Mapped[UUID] = mapped_column(Uuid)
    points: Mapped[int] = mapped_column(BigInteger)
    remaining: Mapped[int] = mapped_column(BigInteger)
    last_day: Mapped[date | None] = mapped_column(Date)
    lapses_at: Mapped[datetime | None] = mapped_column(Stamp)
    occurred_at: Mapped[datetime] = mapped_column(Stamp)
    booked_at: Mapped[datetime] = mapped_column(Stamp, server_default=text("now()"))
    rule_version: Mapped[int] = mapped_column(Integer)
    purchase_id: Mapped[UUID | None] = mapped_column(Uuid)

    __table_args__ = (
        CheckConstraint("points > 0", name="points"),
        CheckConstraint("remaining BETWEEN 0 AND points", name="remaining"),
        CheckConstraint("(last_day IS NULL) = (lapses_at IS NULL)", name="lapse"),
        account_fk(),
        tenant_fk("purchase_id", "purchases"),
        Index("ix_lots_member", "tenant_id", "member_id", "lapses_at", postgresql_where=LEFT),
        Index("ix_lots_lapses_at", "tenant_id", "lapses_at", postgresql_where=LEFT),
        Index(
            "ix_lots_purchase",
            "tenant_id",
            "purchase_id",
            postgresql_where=text("purchase_id IS NOT NULL"),
        ),
    )


class LotLine(TenantKey, Base):
    """What a purchase line earned of its lot. Append-only."""

    __tablename__ = "lot_lines"

    purchase_line_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    points: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (tenant_fk("lot_id", "lots"), tenant_fk("purchase_line_id", "purchase_lines"))


class Entry(TenantScoped, Base):
    """One movement of a member's points. Append-only; a correction is a further entry.

    (source, external_id, kind, line) is the business event, once for ever. Sources that begin
    with @ are our own: @purchase, @refund, @expiry, @undo with the id of what they are about.
    """

    __tablename__ = "entries"

    member_id: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[str] = mapped_column(Text)
    points: Mapped[int] = mapped_column(BigInteger)
    balance_after: Mapped[int] = mapped_column(BigInteger)
    occurred_at: Mapped[datetime] = mapped_column(Stamp)
    booked_at: Mapped[datetime] = mapped_column(Stamp, server_default=text("now()"))
    value_at: Mapped[datetime] = mapped_column(Stamp)
    source: Mapped[str] = mapped_column(Text)
    external_id: Mapped[str] = mapped_column(Text)
    line: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    lot_id: Mapped[UUID | None] = mapped_column(Uuid)
    note: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint("kind IN ('award', 'reversal', 'expiry', 'restore', 'burn', 'adjust')", name="kind"),
        CheckConstraint("points <> 0", name="points"),
        UniqueConstraint("tenant_id", "source", "external_id", "kind", "line", name="uq_entries_event"),
        account_fk(),
        tenant_fk("lot_id", "lots"),
        Index("ix_entries_member", "tenant_id", "member_id", "id"),
    )


class Allocation(TenantKey, Base):
    """What an entry took from a lot (negative) or gave back to it. Append-only."""

    __tablename__ = "allocations"

    lot_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    points: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        CheckConstraint("points <> 0", name="points"),
        tenant_fk("entry_id", "entries"),
        tenant_fk("lot_id", "lots"),
    )


class IdempotencyKey(TenantKey, Base):
    """A request key that was used, with the hash of its body. The answer comes from the business key."""

    __tablename__ = "idempotency_keys"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    body_hash: Mapped[bytes] = mapped_column(LargeBinary)
    used_at: Mapped[datetime] = mapped_column(Stamp, server_default=text("now()"))
