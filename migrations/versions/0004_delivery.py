"""Delivery: addresses, consents, suppressions, messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.helpers import APP, PARTNER, drop_tables, staff_only, tenant_fk, tenant_table

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STAMP = sa.DateTime(timezone=True)
CHANNELS = "channel IN ('email', 'sms')"


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, STAMP, nullable=False, server_default=sa.text("now()"))


def _flag(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.text("false"))


def _text(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _addresses() -> None:
    tenant_table(
        "addresses",
        _text("person_kind"),
        sa.Column("person_id", sa.Uuid, nullable=False),
        _text("channel"),
        _text("value"),
        _flag("programme"),
        _flag("marketing"),
        sa.Column("verified_at", STAMP),
        sa.Column("bounced_at", STAMP),
        _text("bounce_reason", nullable=True),
        _now("created_at"),
        sa.Column("retired_at", STAMP),
        sa.CheckConstraint(CHANNELS, name="channel"),
        sa.CheckConstraint("person_kind IN ('member', 'partner', 'staff')", name="person_kind"),
    )
    current = sa.text("retired_at IS NULL")
    columns = ["tenant_id", "person_id", "channel"]
    op.create_index("uq_addresses_current", "addresses", columns, unique=True, postgresql_where=current)
    op.create_index("ix_addresses_value", "addresses", ["tenant_id", "channel", sa.text("lower(value)")])
    tenant_table(
        "consents",
        sa.Column("address_id", sa.Uuid, nullable=False),
        _text("purpose"),
        sa.Column("granted", sa.Boolean, nullable=False),
        _now("at"),
        _text("source"),
        _text("actor"),
        sa.CheckConstraint("purpose IN ('programme', 'marketing')", name="purpose"),
        tenant_fk("consents", "address_id", "addresses"),
        grants="SELECT, INSERT",
    )
    op.create_index("ix_consents_address", "consents", ["tenant_id", "address_id", "at"])
    tenant_table(
        "suppressions",
        _text("channel"),
        _text("value"),
        _text("reason"),
        _now("at"),
        _text("actor"),
        sa.CheckConstraint(CHANNELS, name="channel"),
        sa.CheckConstraint("reason IN ('unsubscribed', 'stop', 'hard_bounce', 'complaint', 'manual')", name="reason"),
        sa.UniqueConstraint("tenant_id", "channel", "value", name="uq_suppressions_value"),
    )


def _messages() -> None:
    tenant_table(
        "messages",
        _text("person_kind", nullable=True),
        sa.Column("person_id", sa.Uuid),
        sa.Column("address_id", sa.Uuid),
        _text("channel", nullable=True),
        _text("recipient", nullable=True),
        _text("template"),
        _text("purpose"),
        _text("locale"),
        sa.Column("context", JSONB, nullable=False, server_default=sa.text("'{}'")),
        _text("state"),
        _text("reason", nullable=True),
        _text("dedupe_key", nullable=True),
        sa.Column("event_id", sa.Uuid),
        *(_text(name, nullable=True) for name in ("message_id", "subject", "body_text", "body_html")),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        *(_now(name) for name in ("occurred_at", "created_at", "due_at")),
        *(sa.Column(name, STAMP) for name in ("claimed_until", "handed_at", "sent_at", "repeated_at", "bounced_at")),
        _text("error", nullable=True),
        sa.CheckConstraint(CHANNELS, name="channel"),
        sa.CheckConstraint("purpose IN ('signin', 'account', 'programme', 'marketing')", name="purpose"),
        sa.CheckConstraint("state IN ('queued', 'sending', 'handed', 'sent', 'failed', 'not_sent')", name="state"),
        sa.CheckConstraint("state <> 'not_sent' OR reason IS NOT NULL", name="reason"),
        tenant_fk("messages", "address_id", "addresses"),
    )
    open_states = sa.text("state IN ('queued', 'sending', 'handed')")
    repeated = sa.text("repeated_at IS NOT NULL")
    op.create_index("uq_messages_dedupe_key", "messages", ["tenant_id", "dedupe_key"], unique=True)
    op.create_index("ix_messages_due", "messages", ["tenant_id", "due_at"], postgresql_where=open_states)
    op.create_index("ix_messages_person", "messages", ["tenant_id", "person_id", "id"])
    op.create_index("ix_messages_state", "messages", ["tenant_id", "state", "id"])
    op.create_index("ix_messages_repeated", "messages", ["tenant_id", "repeated_at"], postgresql_where=repeated)


def _partner_users() -> None:
    # A partner user meets partners' people only; whom the brand must not write to is its own affair.
    for name in ("addresses", "messages"):
        rule = f"({PARTNER} IS NULL OR person_kind = 'partner')"
        op.execute(f"CREATE POLICY partner_kind ON {name} AS RESTRICTIVE TO {APP} USING {rule} WITH CHECK {rule}")
    staff_only("suppressions")


def upgrade() -> None:
    """Apply."""
    _addresses()
    _messages()
    _partner_users()


def downgrade() -> None:
    """Take back."""
    drop_tables("addresses", "consents", "suppressions", "messages")
