"""partners, their users and notices, and what a partner must never see."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.helpers import (
    APP,
    PARTNER,
    drop_tables,
    partner_lock,
    staff_only,
    tenant_fk,
    tenant_table,
)

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NOW = sa.text("now()")
STAFF = f"({PARTNER} IS NULL)"
# What a partner user needs to be let in and to look around: none of it is money or other people.
OPEN_TO_PARTNERS = ("events", "sessions", "products", "categories", "units")

# Closed unless opened: every tenant table made so far that did not say otherwise.
CLOSE_THE_REST = f"""
DO $$ DECLARE v_table text; BEGIN
  FOR v_table IN SELECT p.tablename FROM pg_policies p
    WHERE p.schemaname = 'public' AND p.policyname = 'tenant' AND p.permissive = 'PERMISSIVE'
      AND p.tablename NOT IN ({", ".join(f"'{name}'" for name in (*OPEN_TO_PARTNERS, "tenants", "tenant_hosts"))})
      AND NOT EXISTS (SELECT 1 FROM pg_policies r WHERE r.schemaname = 'public'
        AND r.tablename = p.tablename AND r.permissive = 'RESTRICTIVE')
  LOOP
    EXECUTE format($f$CREATE POLICY staff_only_rest ON %I AS RESTRICTIVE TO {APP} USING ({STAFF}) WITH CHECK ({STAFF})$f$, v_table);
  END LOOP;
END $$"""

OPEN_THE_REST = """
DO $$ DECLARE v_table text; BEGIN
  FOR v_table IN SELECT tablename FROM pg_policies WHERE policyname = 'staff_only_rest' LOOP
    EXECUTE format('DROP POLICY staff_only_rest ON %I', v_table);
  END LOOP;
END $$"""


def upgrade() -> None:
    """Apply."""
    _partners()
    _users()
    _notices()
    _internal_terms()
    _close()


def downgrade() -> None:
    """Take back."""
    op.execute(OPEN_THE_REST)
    op.execute("DROP POLICY partner_read ON events")
    op.execute("DROP POLICY partner_sessions ON sessions")
    _partner_people(f"({PARTNER} IS NULL OR person_kind = 'partner')")
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
    op.create_index(
        "ix_partner_users_tenant_id_partner_id",
        "partner_users",
        ["tenant_id", "partner_id"],
    )
    partner_lock("partner_users")


def _notices() -> None:
    tenant_table(
        "partner_notices",
        sa.Column("partner_id", sa.Uuid),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column(
            "published_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=NOW,
        ),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
        tenant_fk("partner_notices", "partner_id", "partners"),
    )
    op.create_index(
        "ix_partner_notices_tenant_id_published_at",
        "partner_notices",
        ["tenant_id", "published_at"],
    )
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
        sa.UniqueConstraint(
            "tenant_id",
            "partner_id",
            name="uq_partner_terms_internal_tenant_id_partner_id",
        ),
        sa.CheckConstraint(
            "margin_percent BETWEEN -100 AND 100",
            name="ck_partner_terms_internal_margin_percent",
        ),
    )
    staff_only("partner_terms_internal")


def _close() -> None:
    """Partner users may write events but never read them, and meet their own company's sessions only."""
    op.execute(f"CREATE POLICY partner_read ON events AS RESTRICTIVE FOR SELECT TO {APP} USING {STAFF}")
    mine = f"({PARTNER} IS NULL OR (kind = 'partner' AND subject_id IN (SELECT u.id FROM partner_users u)))"
    op.execute(f"CREATE POLICY partner_sessions ON sessions AS RESTRICTIVE TO {APP} USING {mine} WITH CHECK {mine}")
    # With partner users known, "partners' people" of the delivery tables becomes "the own company's people".
    _partner_people(
        f"({PARTNER} IS NULL OR (person_kind = 'partner' AND person_id IN (SELECT u.id FROM partner_users u)))"
    )
    op.execute(CLOSE_THE_REST)


def _partner_people(rule: str) -> None:
    for name in ("addresses", "messages"):
        op.execute(f"DROP POLICY partner_kind ON {name}")
        op.execute(f"CREATE POLICY partner_kind ON {name} AS RESTRICTIVE TO {APP} USING {rule} WITH CHECK {rule}")
