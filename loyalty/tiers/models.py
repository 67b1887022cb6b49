"""Tier policies, the spend they measure, and the history of every member's tier."""

from __future__ import annotations

from datetime import date, datetime
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
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from config.extensions import Base
from tenants.scope import TenantKey, TenantScoped, tenant_fk

Stamp = DateTime(timezone=True)


def _account_fk() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", "member_id"], ["point_accounts.tenant_id", "point_accounts.member_id"])


class TierPolicy(TenantScoped, Base):
    """A published policy: rolling window and review, in months."""

    __tablename__ = "tier_policies"

    version: Mapped[int] = mapped_column(Integer)
    window_months: Mapped[int] = mapped_column(Integer)
    review_months: Mapped[int] = mapped_column(Integer)
    published_at: Mapped[datetime] = mapped_column(Stamp, server_default=text("now()"))

    __table_args__ = (UniqueConstraint("tenant_id", "version"),)


class TierLevel(TenantScoped, Base):
    """A rung of a policy: rank 0 is everybody's. `name` by language (en, zh_Hans, zh_Hant)."""

    __tablename__ = "tier_levels"

    policy_id: Mapped[UUID] = mapped_column(Uuid)
    rank: Mapped[int] = mapped_column(SmallInteger)
    key: Mapped[str] = mapped_column(Text)
    name: Mapped[dict[str, str]] = mapped_column(JSONB)
    from_minor: Mapped[int] = mapped_column(BigInteger)
    colour: Mapped[str] = mapped_column(Text, default="#6c7a91", server_default=text("'#6c7a91'"))

    __table_args__ = (
        UniqueConstraint("tenant_id", "policy_id", "rank"),
        CheckConstraint("(rank = 0) = (from_minor = 0)", name="first_from_nothing"),
        tenant_fk("policy_id", "tier_policies"),
    )


class SpendDay(TenantKey, Base):
    """Spend that counts for tiers. `day` leaves the window, `counted_on` is when it became known."""

    __tablename__ = "spend_days"

    member_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    counted_on: Mapped[date] = mapped_column(Date, primary_key=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (_account_fk(), Index("ix_spend_days_counted", "tenant_id", "counted_on", "member_id"))


class TierChange(TenantScoped, Base):
    """One move with its evidence. A move that later facts disproved is superseded, not removed."""

    __tablename__ = "tier_changes"

    member_id: Mapped[UUID] = mapped_column(Uuid)
    on_day: Mapped[date] = mapped_column(Date)
    from_rank: Mapped[int] = mapped_column(SmallInteger)
    to_rank: Mapped[int] = mapped_column(SmallInteger)
    reason: Mapped[str] = mapped_column(Text)
    evidence: Mapped[dict[str, Any]] = mapped_column(JSONB)
    policy_version: Mapped[int] = mapped_column(Integer)
    recorded_at: Mapped[datetime] = mapped_column(Stamp, server_default=text("now()"))
    superseded_at: Mapped[datetime | None] = mapped_column(Stamp)

    __table_args__ = (
        CheckConstraint("from_rank <> to_rank", name="moves"),
        _account_fk(),
        Index("ix_tier_changes_member", "tenant_id", "member_id", "on_day", "id"),
        Index("ix_tier_changes_on_day", "tenant_id", "on_day"),
    )
