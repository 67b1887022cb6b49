"""Members with cards, their purchases, and the refunds of these."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.helpers import drop_tables, staff_only, tenant_fk, tenant_table

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STAMP = sa.DateTime(timezone=True)
LIVE = sa.text("withdrawn_at IS NULL")
# A document is corrected by another document; only what caches later returns may change.
DOCUMENT = "SELECT, INSERT, UPDATE (withdrawn_at)"


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, STAMP, nullable=False, server_default=sa.text("now()"))


def _members() -> None:
    tenant_table(
        "members",
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False, server_default=""),
        sa.Column("sort_key", sa.Text, nullable=False, server_default=""),
        sa.Column("birthday", sa.Date),
        sa.Column("locale", sa.Text),
        sa.Column("zone", sa.Text),
        sa.Column("status", sa.Text, nullable=False, server_default="active"),
        _now("joined_at"),
        sa.Column("import_id", sa.Uuid),
        sa.UniqueConstraint("tenant_id", "number", name="uq_members_tenant_id_number"),
        sa.CheckConstraint("status IN ('active', 'blocked', 'left', 'withdrawn')", name="status"),
        sa.CheckConstraint("number <> ''", name="number"),
    )
    op.create_index("ix_members_tenant_id_sort_key", "members", ["tenant_id", "sort_key", "id"])
    op.create_index("ix_members_tenant_id_joined_at", "members", ["tenant_id", "joined_at", "id"])
    op.create_index(
        "ix_members_tenant_id_import_id",
        "members",
        ["tenant_id", "import_id"],
        postgresql_where=sa.text("import_id IS NOT NULL"),
    )
    tenant_table(
        "cards",
        sa.Column("member_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False, server_default="active"),
        _now("issued_at"),
        sa.UniqueConstraint("tenant_id", "number", name="uq_cards_tenant_id_number"),
        sa.CheckConstraint("status IN ('active', 'replaced', 'lost')", name="status"),
        tenant_fk("cards", "member_id", "members"),
    )
    # Nobody owns two active cards, however fast two clerks are.
    op.create_index(
        "uq_cards_one_active",
        "cards",
        ["tenant_id", "member_id"],
        unique=True,
        postgresql_where=sa.text("status = 'active'"),
    )


def _documents() -> None:
    for name in ("purchases", "refunds"):
        tenant_table(
            name,
            sa.Column("source", sa.Text, nullable=False),
            sa.Column("external_id", sa.Text, nullable=False),
            sa.Column("member_id", sa.Uuid),
            sa.Column("occurred_at", STAMP, nullable=False),
            _now("booked_at"),
            sa.Column("day", sa.Date, nullable=False),
            sa.Column("currency", sa.CHAR(3), nullable=False),
            sa.Column("total_minor", sa.BigInteger, nullable=False),
            sa.Column("content_hash", sa.LargeBinary, nullable=False),
            sa.Column("import_id", sa.Uuid),
            sa.Column("place", sa.Text),
            sa.Column("withdrawn_at", STAMP),
            tenant_fk(name, "member_id", "members"),
            grants=DOCUMENT,
        )
        # A withdrawn document (an import undone) may be sent again, a live one never twice.
        op.create_index(
            f"uq_{name}_document",
            name,
            ["tenant_id", "source", "external_id"],
            unique=True,
            postgresql_where=LIVE,
        )
        op.create_index(
            f"ix_{name}_member", name, ["tenant_id", "member_id", sa.text("occurred_at DESC"), sa.text("id DESC")]
        )
        op.create_index(
            f"ix_{name}_import", name, ["tenant_id", "import_id"], postgresql_where=sa.text("import_id IS NOT NULL")
        )
        op.create_index(f"ix_{name}_occurred_at", name, ["tenant_id", "occurred_at", "id"])


def _lines() -> None:
    tenant_table(
        "purchase_lines",
        sa.Column("purchase_id", sa.Uuid, nullable=False),
        sa.Column("line_no", sa.Integer, nullable=False),
        sa.Column("sku", sa.Text, nullable=False),
        sa.Column("product_id", sa.Uuid),
        sa.Column("description", sa.Text, nullable=False, server_default=""),
        sa.Column("quantity", sa.Numeric),
        sa.Column("unit_price", sa.Numeric),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("returned_quantity", sa.Numeric, nullable=False, server_default="0"),
        sa.Column("returned_minor", sa.BigInteger, nullable=False, server_default="0"),
        sa.UniqueConstraint(
            "tenant_id", "purchase_id", "line_no", name="uq_purchase_lines_tenant_id_purchase_id_line_no"
        ),
        tenant_fk("purchase_lines", "purchase_id", "purchases"),
        tenant_fk("purchase_lines", "product_id", "products"),
        grants="SELECT, INSERT, UPDATE (returned_quantity, returned_minor)",
    )
    tenant_table(
        "refund_lines",
        sa.Column("refund_id", sa.Uuid, nullable=False),
        sa.Column("line_no", sa.Integer, nullable=False),
        sa.Column("part", sa.Integer, nullable=False, server_default="0"),
        sa.Column("sku", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False, server_default=""),
        sa.Column("quantity", sa.Numeric),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("spend_minor", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("purchase_line_id", sa.Uuid),
        sa.Column("points_reversed", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("points_forgiven", sa.BigInteger, nullable=False, server_default="0"),
        sa.UniqueConstraint(
            "tenant_id", "refund_id", "line_no", "part", name="uq_refund_lines_tenant_id_refund_id_line_no_part"
        ),
        tenant_fk("refund_lines", "refund_id", "refunds"),
        tenant_fk("refund_lines", "purchase_line_id", "purchase_lines"),
        grants="SELECT, INSERT",
    )
    op.create_index(
        "ix_refund_lines_purchase_line",
        "refund_lines",
        ["tenant_id", "purchase_line_id"],
        postgresql_where=sa.text("purchase_line_id IS NOT NULL"),
    )


TABLES = ("members", "cards", "purchases", "refunds", "purchase_lines", "refund_lines")


def upgrade() -> None:
    """Apply."""
    _members()
    _documents()
    _lines()
    for table in TABLES:
        staff_only(table)


def downgrade() -> None:
    """Take back."""
    drop_tables(*TABLES)
