"""The points ledger, the spend that moves tiers, and the functions that write them.

The functions are kept in migrations/sql/0006/*.sql; a released file is never edited again,
a later migration brings a new one.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from migrations.helpers import drop_tables, function, staff_only, tenant_fk, tenant_table

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

STAMP = sa.DateTime(timezone=True)
APPEND_ONLY = "SELECT, INSERT"
SQL = Path(__file__).resolve().parent.parent / "sql" / "0006"

FUNCTIONS = {
    "programme_terms": "uuid",
    "award_points": "uuid, text, bigint, text, text, timestamptz, date, timestamptz, int, text, text, text, bytea",
    "award_points_many": "uuid, jsonb, int, text, text, bytea",
    "record_purchases": "uuid, jsonb, int, text, uuid, text, bytea",
    "post_entries": "uuid, jsonb, jsonb",
    "post_lapses": "uuid, timestamptz, int",
    "withdraw_import": "uuid, uuid, text",
    "tier_evidence": "uuid, uuid, date, date, int, bigint, bigint",
    "tier_step": "uuid, date, boolean, text",
}


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, STAMP, nullable=False, server_default=sa.text("now()"))


def _account_fk(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "member_id"],
        ["point_accounts.tenant_id", "point_accounts.member_id"],
        name=f"fk_{table}_tenant_id_member_id",
    )


def _programme() -> None:
    tenant_table(
        "programmes",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("rule_version", sa.Integer, nullable=False),
        sa.Column("cost_per_point", sa.Numeric, nullable=False, server_default="0"),
        # The published tier policy, repeated here so that the hot path reads one row.
        sa.Column("tier_policy_version", sa.Integer, nullable=False),
        sa.Column("tier_thresholds", ARRAY(sa.BigInteger), nullable=False),
        sa.Column("tier_window_months", sa.Integer, nullable=False),
        sa.Column("tier_review_months", sa.Integer, nullable=False),
        sa.Column("tiers_run_on", sa.Date),
        sa.Column("proved_at", STAMP),
        sa.Column("proof", JSONB, nullable=False, server_default="{}"),
        key=(),
    )
    tenant_table(
        "rule_versions",
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("document", JSONB, nullable=False),
        _now("published_at"),
        key=("version",),
        grants=APPEND_ONLY,
    )
    tenant_table(
        "tier_policies",
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("window_months", sa.Integer, nullable=False),
        sa.Column("review_months", sa.Integer, nullable=False),
        _now("published_at"),
        sa.UniqueConstraint("tenant_id", "version", name="uq_tier_policies_tenant_id_version"),
        grants=APPEND_ONLY,
    )
    tenant_table(
        "tier_levels",
        sa.Column("policy_id", sa.Uuid, nullable=False),
        sa.Column("rank", sa.SmallInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("name", JSONB, nullable=False),
        sa.Column("from_minor", sa.BigInteger, nullable=False),
        sa.Column("colour", sa.Text, nullable=False, server_default="#6c7a91"),
        sa.UniqueConstraint("tenant_id", "policy_id", "rank", name="uq_tier_levels_tenant_id_policy_id_rank"),
        sa.CheckConstraint("(rank = 0) = (from_minor = 0)", name="first_from_nothing"),
        tenant_fk("tier_levels", "policy_id", "tier_policies"),
        # Names and colours are words, not terms; the thresholds of a published policy stay.
        grants="SELECT, INSERT, UPDATE (name, colour)",
    )


def _accounts() -> None:
    tenant_table(
        "point_accounts",
        sa.Column("member_id", sa.Uuid, nullable=False),
        sa.Column("balance", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("debt", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("tier_rank", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("tier_since", sa.Date),
        sa.Column("review_on", sa.Date),
        sa.Column("tier_stale_from", sa.Date),
        sa.Column("last_fact_on", sa.Date),
        sa.CheckConstraint("balance >= 0", name="not_below_zero"),
        sa.CheckConstraint("debt >= 0", name="debt"),
        tenant_fk("point_accounts", "member_id", "members"),
        key=("member_id",),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(
        "ix_point_accounts_review",
        "point_accounts",
        ["tenant_id", "review_on"],
        postgresql_where=sa.text("review_on IS NOT NULL"),
    )
    op.create_index(
        "ix_point_accounts_stale",
        "point_accounts",
        ["tenant_id", "member_id"],
        postgresql_where=sa.text("tier_stale_from IS NOT NULL"),
    )
    tenant_table(
        "spend_days",
        sa.Column("member_id", sa.Uuid, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("counted_on", sa.Date, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        _account_fk("spend_days"),
        key=("member_id", "day", "counted_on"),
    )
    op.create_index("ix_spend_days_counted", "spend_days", ["tenant_id", "counted_on", "member_id"])


def _ledger() -> None:
    left = sa.text("remaining > 0")
    tenant_table(
        "lots",
        sa.Column("member_id", sa.Uuid, nullable=False),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.Column("remaining", sa.BigInteger, nullable=False),
        sa.Column("last_day", sa.Date),
        sa.Column("lapses_at", STAMP),
        sa.Column("occurred_at", STAMP, nullable=False),
        _now("booked_at"),
        sa.Column("rule_version", sa.Integer, nullable=False),
        sa.Column("purchase_id", sa.Uuid),
        sa.CheckConstraint("points > 0", name="points"),
        sa.CheckConstraint("remaining BETWEEN 0 AND points", name="remaining"),
        sa.CheckConstraint("(last_day IS NULL) = (lapses_at IS NULL)", name="lapse"),
        _account_fk("lots"),
        tenant_fk("lots", "purchase_id", "purchases"),
        grants="SELECT, INSERT, UPDATE (remaining)",
    )
    op.create_index("ix_lots_member", "lots", ["tenant_id", "member_id", "lapses_at"], postgresql_where=left)
    op.create_index("ix_lots_lapses_at", "lots", ["tenant_id", "lapses_at"], postgresql_where=left)
    op.create_index(
        "ix_lots_purchase", "lots", ["tenant_id", "purchase_id"], postgresql_where=sa.text("purchase_id IS NOT NULL")
    )
    tenant_table(
        "lot_lines",
        sa.Column("lot_id", sa.Uuid, nullable=False),
        sa.Column("purchase_line_id", sa.Uuid, nullable=False),
        sa.Column("points", sa.BigInteger, nullable=False),
        tenant_fk("lot_lines", "lot_id", "lots"),
        tenant_fk("lot_lines", "purchase_line_id", "purchase_lines"),
        key=("purchase_line_id", "lot_id"),
        grants=APPEND_ONLY,
    )
    tenant_table(
        "entries",
        sa.Column("member_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.Column("balance_after", sa.BigInteger, nullable=False),
        sa.Column("occurred_at", STAMP, nullable=False),
        _now("booked_at"),
        sa.Column("value_at", STAMP, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("external_id", sa.Text, nullable=False),
        sa.Column("line", sa.Integer, nullable=False, server_default="0"),
        sa.Column("lot_id", sa.Uuid),
        sa.Column("note", sa.Text),
        sa.CheckConstraint("kind IN ('award', 'reversal', 'expiry', 'restore', 'burn', 'adjust')", name="kind"),
        sa.CheckConstraint("points <> 0", name="points"),
        # The business event, once and for ever.
        sa.UniqueConstraint("tenant_id", "source", "external_id", "kind", "line", name="uq_entries_event"),
        _account_fk("entries"),
        tenant_fk("entries", "lot_id", "lots"),
        grants=APPEND_ONLY,
    )
    op.create_index("ix_entries_member", "entries", ["tenant_id", "member_id", "id"])
    tenant_table(
        "allocations",
        sa.Column("entry_id", sa.Uuid, nullable=False),
        sa.Column("lot_id", sa.Uuid, nullable=False),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.CheckConstraint("points <> 0", name="points"),
        tenant_fk("allocations", "entry_id", "entries"),
        tenant_fk("allocations", "lot_id", "lots"),
        key=("lot_id", "entry_id"),
        grants=APPEND_ONLY,
    )


def _history() -> None:
    tenant_table(
        "tier_changes",
        sa.Column("member_id", sa.Uuid, nullable=False),
        sa.Column("on_day", sa.Date, nullable=False),
        sa.Column("from_rank", sa.SmallInteger, nullable=False),
        sa.Column("to_rank", sa.SmallInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("evidence", JSONB, nullable=False),
        sa.Column("policy_version", sa.Integer, nullable=False),
        _now("recorded_at"),
        sa.Column("superseded_at", STAMP),
        sa.CheckConstraint("from_rank <> to_rank", name="moves"),
        _account_fk("tier_changes"),
        grants="SELECT, INSERT, UPDATE (superseded_at)",
    )
    op.create_index("ix_tier_changes_member", "tier_changes", ["tenant_id", "member_id", "on_day", "id"])
    op.create_index("ix_tier_changes_on_day", "tier_changes", ["tenant_id", "on_day"])
    tenant_table(
        "idempotency_keys",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("body_hash", sa.LargeBinary, nullable=False),
        _now("used_at"),
        key=("key",),
        grants="SELECT, INSERT, DELETE",
    )


TABLES = (
    "programmes",
    "rule_versions",
    "tier_policies",
    "tier_levels",
    "point_accounts",
    "spend_days",
    "lots",
    "lot_lines",
    "entries",
    "allocations",
    "tier_changes",
    "idempotency_keys",
)


def upgrade() -> None:
    """Apply."""
    _programme()
    _accounts()
    _ledger()
    _history()
    for table in TABLES:
        staff_only(table)
    for name, arguments in FUNCTIONS.items():
        function((SQL / f"{name}.sql").read_text(encoding="utf-8"), f"{name}({arguments})")


def downgrade() -> None:
    """Take back."""
    for name, arguments in reversed(FUNCTIONS.items()):
        op.execute(f"DROP FUNCTION IF EXISTS {name}({arguments})")
    drop_tables(*TABLES)
