"""Products and categories, stored files, and imports with their chunks and refused rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.helpers import drop_tables, function, tenant_fk, tenant_table

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# A tenant that the statistics have not met yet is taken for one row, and every join for it becomes a scan of
# the tenant. Autovacuum mends that within a minute; an import cannot wait so long.
REFRESH_STATISTICS = """
CREATE FUNCTION refresh_statistics() RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE v_table text; v_done int := 0;
BEGIN
  FOR v_table IN
    SELECT s.relname FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
    WHERE s.schemaname = 'public' AND pg_get_userbyid(c.relowner) = current_user
      AND s.n_mod_since_analyze > 500 ORDER BY s.relname
  LOOP
    EXECUTE format('ANALYZE %I', v_table);
    v_done := v_done + 1;
  END LOOP;
  RETURN v_done;
END $$"""

STAMP = sa.DateTime(timezone=True)
STATUSES = "'mapping', 'checking', 'ready', 'running', 'done', 'cancelled', 'undoing', 'undone', 'failed'"


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, STAMP, nullable=False, server_default=sa.text("now()"))


def _catalogue() -> None:
    tenant_table(
        "categories",
        sa.Column("name", sa.Text, nullable=False),
        sa.UniqueConstraint("tenant_id", "name", name="uq_categories_tenant_id_name"),
    )
    tenant_table(
        "products",
        sa.Column("sku", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False, server_default=""),
        sa.Column("category_id", sa.Uuid),
        sa.Column("status", sa.Text, nullable=False, server_default="active"),
        sa.Column("import_id", sa.Uuid),
        _now("created_at"),
        sa.CheckConstraint("status IN ('active', 'retired')", name="status"),
        sa.UniqueConstraint("tenant_id", "sku", name="uq_products_tenant_id_sku"),
        tenant_fk("products", "category_id", "categories"),
    )
    op.create_index("ix_products_tenant_id_category_id", "products", ["tenant_id", "category_id"])
    op.create_index("ix_products_tenant_id_name", "products", ["tenant_id", sa.text("lower(name)")])
    op.create_index("ix_products_tenant_id_import_id", "products", ["tenant_id", "import_id"])


def _files() -> None:
    tenant_table(
        "files",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False, server_default="system"),
        _now("created_at"),
    )
    op.create_index("ix_files_tenant_id_sha256", "files", ["tenant_id", "sha256"])


def _imports() -> None:
    tenant_table(
        "imports",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False, server_default="mapping"),
        sa.Column("file_id", sa.Uuid, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("checksum", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.Text, nullable=False, server_default=""),
        sa.Column("source", sa.Text, nullable=False, server_default="import"),
        sa.Column("format", JSONB, nullable=False, server_default="{}"),
        sa.Column("mapping", JSONB, nullable=False, server_default="{}"),
        sa.Column("options", JSONB, nullable=False, server_default="{}"),
        sa.Column("shift_days", sa.Integer, nullable=False, server_default="0"),
        sa.Column("shift_of", sa.Uuid),
        sa.Column("first_day", sa.Date),
        sa.Column("last_day", sa.Date),
        sa.Column("lines", sa.Integer, nullable=False, server_default="0"),
        sa.Column("lines_done", sa.Integer, nullable=False, server_default="0"),
        sa.Column("chunks", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_chunk", sa.Integer, nullable=False, server_default="0"),
        sa.Column("counts", JSONB, nullable=False, server_default="{}"),
        sa.Column("preview", JSONB, nullable=False, server_default="{}"),
        sa.Column("problem", sa.Text),
        sa.Column("seconds", sa.Double, nullable=False, server_default="0"),
        sa.Column("created_by", sa.Text, nullable=False, server_default="system"),
        _now("created_at"),
        sa.Column("started_at", STAMP),
        sa.Column("beat_at", STAMP),
        sa.Column("finished_at", STAMP),
        sa.CheckConstraint(f"status IN ({STATUSES})", name="status"),
        tenant_fk("imports", "file_id", "files"),
    )
    op.create_index("ix_imports_tenant_id_checksum", "imports", ["tenant_id", "checksum"])
    op.create_index("ix_imports_tenant_id_signature", "imports", ["tenant_id", "signature"])
    op.create_index(
        "ix_imports_working", "imports", ["tenant_id", "beat_at"],
        postgresql_where=sa.text("status IN ('checking', 'running', 'undoing')"),
    )  # fmt: skip


def _staging() -> None:
    # One row per chunk, not per line: whole documents in date order, as they will be taken.
    tenant_table(
        "import_chunks",
        sa.Column("import_id", sa.Uuid, nullable=False),
        sa.Column("no", sa.Integer, nullable=False),
        sa.Column("lines", sa.Integer, nullable=False),
        sa.Column("documents", sa.JSON, nullable=False),
        tenant_fk("import_chunks", "import_id", "imports", ondelete="CASCADE"),
        key=("import_id", "no"),
    )
    tenant_table(
        "import_rows",
        sa.Column("import_id", sa.Uuid, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False, server_default=""),
        sa.Column("column_name", sa.Text, nullable=False, server_default=""),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("detail", JSONB, nullable=False, server_default="{}"),
        sa.Column("cells", JSONB, nullable=False, server_default="[]"),
        sa.Column("mended_by", sa.Uuid),
        tenant_fk("import_rows", "import_id", "imports", ondelete="CASCADE"),
        key=("import_id", "line"),
    )
    tenant_table(
        "import_mappings",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("signature", sa.Text, nullable=False),
        sa.Column("mapping", JSONB, nullable=False),
        _now("updated_at"),
        key=("kind", "signature"),
    )


def upgrade() -> None:
    """Apply."""
    _catalogue()
    _files()
    _imports()
    _staging()
    function(REFRESH_STATISTICS, "refresh_statistics()")


def downgrade() -> None:
    """Take back."""
    op.execute("DROP FUNCTION IF EXISTS refresh_statistics()")
    drop_tables("categories", "products", "files", "imports", "import_chunks", "import_rows", "import_mappings")
