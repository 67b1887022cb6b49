"""Integrations: API keys and the one round trip that checks them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from migrations.helpers import drop_tables, function, staff_only, tenant_table

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STAMP = sa.DateTime(timezone=True)

# The key's prefix names the tenant, so the look-up runs in its scope, on its shard, in one round trip.
FIND_API_KEY = """
CREATE FUNCTION find_api_key(p_tenant uuid, p_prefix text)
RETURNS TABLE (id uuid, name text, secret_hash text, scopes text[]) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter_tenant(p_tenant);
  UPDATE api_keys k SET last_used_at = now()
    WHERE k.tenant_id = p_tenant AND k.prefix = p_prefix AND k.revoked_at IS NULL
      AND (k.last_used_at IS NULL OR k.last_used_at < now() - interval '5 minutes');
  RETURN QUERY SELECT k.id, k.name, k.secret_hash, k.scopes FROM api_keys k
    WHERE k.tenant_id = p_tenant AND k.prefix = p_prefix AND k.revoked_at IS NULL;
END $$"""


def upgrade() -> None:
    """Apply."""
    tenant_table(
        "api_keys",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.Text, nullable=False),
        sa.Column("scopes", ARRAY(sa.Text), nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", STAMP, nullable=False, server_default=sa.text("now()")),
        sa.Column("last_used_at", STAMP),
        sa.Column("revoked_at", STAMP),
        sa.Column("revoked_by", sa.Uuid),
        sa.UniqueConstraint("tenant_id", "prefix", name="uq_api_keys_tenant_id_prefix"),
    )
    staff_only("api_keys")
    function(FIND_API_KEY, "find_api_key(uuid, text)")


def downgrade() -> None:
    """Take back."""
    op.execute("DROP FUNCTION IF EXISTS find_api_key(uuid, text)")
    drop_tables("api_keys")
