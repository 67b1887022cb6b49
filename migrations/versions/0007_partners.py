"""partners, their users and notices, and what a partner must never see."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.helpers import PARTNER, drop_tables, partner_lock, staff_only, tenant_fk, tenant_table

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NOW = sa.text("now()")


def upgrade() -> None:
    """Apply."""
    _partners()
    _users()
    _notices()
    _internal_terms()


def downgrade() -> None:
    """Take back."""
    drop_tables("partners", "partner_users", "partner_notices", "partner_terms_internal")


def _partners() -> None:
    tenant_table(
        "partners",
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("country", sa.CHAR(2), nullable=False),
        sa.Column("status", sa.Text, nullable=False, server_default="active"),
        sa.Column("territory", sa.Text, nullable=False, server_default=""),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.UniqueConstraint("tenant_id", "number", name="uq_partners_tenant_id_number"),
        sa.CheckConstraint("status IN ('active', 'paused', 'ended')", name="ck_partners_status"),
        sa.CheckConstraint("length(number) BETWEEN 1 AND 40", name="ck_partners_number"),
    )
    partner_lock("partners", "id")


def _users() -> None:
    tenant_table(
        "partner_users",
        sa.Column("partner_id", sa.Uuid, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("locale", sa.Text, nullable=False, server_default="en"),
        sa.Column("status", sa.Text, nullable=False, server_default="active"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        tenant_fk("partner_users", "partner_id", "partners"),
        sa.UniqueConstraint("tenant_id", "email", name="uq_partner_users_tenant_id_email"),
        sa.CheckConstraint("status IN ('active', 'ended')", name="ck_partner_users_status"),
        sa.CheckConstraint("email = lower(email)", name="ck_partner_users_email"),
    )
    op.create_index("ix_partner_users_tenant_id_partner_id", "partner_users", ["tenant_id", "partner_id"])
    partner_lock("partner_users")


def _notices() -> None:
    tenant_table(
        "partner_notices",
        sa.Column("partner_id", sa.Uuid),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
        tenant_fk("partner_notices", "partner_id", "partners"),
    )
    op.create_index("ix_partner_notices_tenant_id_published_at", "partner_notices", ["tenant_id", "published_at"])
    # A notice without a partner is for all of them; one that names a partner is for that one only.
    partner_lock("partner_notices", f"coalesce(partner_id, {PARTNER})")


def _internal_terms() -> None:
    tenant_table(
        "partner_terms_internal",
        sa.Column("partner_id", sa.Uuid, nullable=False),
        sa.Column("margin_percent", sa.Numeric(6, 2)),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        tenant_fk("partner_terms_internal", "partner_id", "partners"),
        sa.UniqueConstraint("tenant_id", "partner_id", name="uq_partner_terms_internal_tenant_id_partner_id"),
        sa.CheckConstraint("margin_percent BETWEEN -100 AND 100", name="ck_partner_terms_internal_margin_percent"),
    )
    staff_only("partner_terms_internal")
