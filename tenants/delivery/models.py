"""Where people can be reached, what they agreed to, and each message with its fate."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, DateTime, Index, Integer, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from config.extensions import Base
from tenants.scope import TenantScoped, tenant_fk

CHANNELS = ("email", "sms")
PERSON_KINDS = ("member", "partner", "staff")
PURPOSES = ("signin", "account", "programme", "marketing")
STATES = ("queued", "sending", "handed", "sent", "failed", "not_sent")


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class Address(TenantScoped, Base):
    """One e-mail address or phone number of one person. A replaced one stays, with `retired_at`.

    `programme` and `marketing` cache the last row of `consents`. `person_id` is a member's, partner
    user's or account's id; there is no foreign key, because three packages own them.
    """

    __tablename__ = "addresses"

    person_kind: Mapped[str] = mapped_column(Text)
    person_id: Mapped[UUID] = mapped_column(Uuid)
    channel: Mapped[str] = mapped_column(Text)
    value: Mapped[str] = mapped_column(Text)
    programme: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    marketing: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    verified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    bounced_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    bounce_reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    retired_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        _one_of("channel", CHANNELS),
        _one_of("person_kind", PERSON_KINDS),
        Index(
            "uq_addresses_current",
            "tenant_id",
            "person_id",
            "channel",
            unique=True,
            postgresql_where=text("retired_at IS NULL"),
        ),
        Index("ix_addresses_value", "tenant_id", "channel", text("lower(value)")),
    )


class Consent(TenantScoped, Base):
    """One decision on one address and purpose. Append-only; the last row holds."""

    __tablename__ = "consents"

    address_id: Mapped[UUID] = mapped_column(Uuid)
    purpose: Mapped[str] = mapped_column(Text)
    granted: Mapped[bool] = mapped_column(Boolean)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    source: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        _one_of("purpose", ("programme", "marketing")),
        tenant_fk("address_id", "addresses"),
        Index("ix_consents_address", "tenant_id", "address_id", "at"),
    )


class Suppression(TenantScoped, Base):
    """An address this tenant must not write to, whoever it belongs to. `value` is lower case."""

    __tablename__ = "suppressions"

    channel: Mapped[str] = mapped_column(Text)
    value: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    actor: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        _one_of("channel", CHANNELS),
        _one_of("reason", ("unsubscribed", "stop", "hard_bounce", "complaint", "manual")),
        UniqueConstraint("tenant_id", "channel", "value", name="uq_suppressions_value"),
    )


class Message(TenantScoped, Base):
    """One message to one person over one channel, sent, waiting or held back.

    `handed_at` is written before the outside conversation and `sent_at` after it: a message that
    stays handed may have gone out, is sent once more with the same Message-ID, and is listed
    (`repeated_at`). Codes and links of the purposes signin and account are wiped once it is over.
    """

    __tablename__ = "messages"

    person_kind: Mapped[str | None] = mapped_column(Text)
    person_id: Mapped[UUID | None] = mapped_column(Uuid)
    address_id: Mapped[UUID | None] = mapped_column(Uuid)
    channel: Mapped[str | None] = mapped_column(Text)
    recipient: Mapped[str | None] = mapped_column(Text)
    template: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text)
    locale: Mapped[str] = mapped_column(Text)
    context: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    dedupe_key: Mapped[str | None] = mapped_column(Text)
    event_id: Mapped[UUID | None] = mapped_column(Uuid)
    message_id: Mapped[str | None] = mapped_column(Text)
    subject: Mapped[str | None] = mapped_column(Text)
    body_text: Mapped[str | None] = mapped_column(Text)
    body_html: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    claimed_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    handed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    repeated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    bounced_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint("channel IN ('email', 'sms')", name="channel"),
        _one_of("purpose", PURPOSES),
        _one_of("state", STATES),
        CheckConstraint("state <> 'not_sent' OR reason IS NOT NULL", name="reason"),
        tenant_fk("address_id", "addresses"),
        Index("uq_messages_dedupe_key", "tenant_id", "dedupe_key", unique=True),
        Index(
            "ix_messages_due",
            "tenant_id",
            "due_at",
            postgresql_where=text("state IN ('queued', 'sending', 'handed')"),
        ),
        Index("ix_messages_person", "tenant_id", "person_id", "id"),
        Index("ix_messages_state", "tenant_id", "state", "id"),
        Index("ix_messages_repeated", "tenant_id", "repeated_at", postgresql_where=text("repeated_at IS NOT NULL")),
    )

    @property
    def secret(self) -> bool:
        """Whether the text holds a code or a link that lets its reader in; no screen shows it."""
        return self.purpose in ("signin", "account")
