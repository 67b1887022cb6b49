"""The kernel: identifiers, the directory of tenants, events and receipts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.helpers import APP, OWNER, SYSTEM, TENANT, drop_tables, function, lock_table, tenant_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NEW_ID = """
CREATE FUNCTION new_id() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
  SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
    FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
$$"""

# The directory is read before a tenant is known, one row at a time, through this look-up only.
FIND_TENANT = """
CREATE FUNCTION find_tenant(p_slug text, p_host text) RETURNS SETOF tenants
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT t.* FROM tenants t WHERE t.slug = p_slug
  UNION ALL
  SELECT t.* FROM tenants t JOIN tenant_hosts h ON h.tenant_id = t.id WHERE h.host = p_host
  LIMIT 1
$$"""

# A function on the hot path sets the scope itself and refuses to serve a second tenant in one transaction.
ENTER_TENANT = """
CREATE FUNCTION enter_tenant(p_tenant uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_now text := current_setting('app.tenant_id', true);
BEGIN
  IF v_now IS NULL OR v_now = '' THEN
    PERFORM set_config('app.tenant_id', p_tenant::text, true), set_config('app.partner_id', '', true);
  ELSIF v_now <> p_tenant::text THEN
    RAISE EXCEPTION 'another tenant is in force' USING ERRCODE = 'insufficient_privilege';
  END IF;
END $$"""

# Partitions are made ahead by a daily job and on demand; the default partition loses nothing.
EVENT_PARTITIONS = """
CREATE FUNCTION make_event_partitions(p_from date, p_months int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE v_month date; v_made int := 0; v_name text;
BEGIN
  FOR v_month IN SELECT generate_series(date_trunc('month', p_from),
      date_trunc('month', p_from) + make_interval(months => p_months), interval '1 month')::date LOOP
    v_name := 'events_' || to_char(v_month, 'YYYY_MM');
    IF to_regclass(v_name) IS NULL THEN
      EXECUTE format('CREATE TABLE %I PARTITION OF events FOR VALUES FROM (%L) TO (%L)',
        v_name, v_month, (v_month + interval '1 month')::date);
      EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', v_name);
      EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', v_name);
      v_made := v_made + 1;
    END IF;
  END LOOP;
  RETURN v_made;
END $$"""


def _directory() -> None:
    op.create_table(
        "tenants",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("new_id()")),
        sa.Column("slug", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("country", sa.CHAR(2), nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False, server_default="active"),
        sa.Column("branding", JSONB, nullable=False, server_default="{}"),
        sa.Column("settings", JSONB, nullable=False, server_default="{}"),
        sa.Column("is_demo", sa.Boolean, nullable=False, server_default="false"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.CheckConstraint("slug ~ '^[a-z0-9](-?[a-z0-9])*$' AND length(slug) BETWEEN 2 AND 40", name="slug"),
        sa.CheckConstraint("status IN ('active', 'suspended')", name="status"),
    )
    op.create_table(
        "tenant_hosts",
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Uuid, sa.ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False),
        sa.CheckConstraint("host = lower(host)", name="lower"),
    )
    for table, column in (("tenants", "id"), ("tenant_hosts", "tenant_id")):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant ON {table} TO {APP} USING ({column} = {TENANT}) WITH CHECK ({column} = {TENANT})"
        )
        op.execute(f"CREATE POLICY system ON {table} TO {SYSTEM} USING (true) WITH CHECK (true)")
        # The look-ups that run before a tenant is known are SECURITY DEFINER functions of the owner.
        op.execute(f"CREATE POLICY owner ON {table} FOR SELECT TO {OWNER} USING (true)")
        op.execute(f"GRANT SELECT, UPDATE ON {table} TO {APP}")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {SYSTEM}")
    function(FIND_TENANT, "find_tenant(text, text)")


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("tenant_id", sa.Uuid, nullable=False, server_default=sa.text(TENANT)),
        sa.Column("id", sa.Uuid, nullable=False, server_default=sa.text("new_id()")),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("actor", sa.Text, nullable=False, server_default="system"),
        sa.Column("payload", JSONB, nullable=False, server_default="{}"),
        sa.Column("published_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("tenant_id", "id", "recorded_at", name="pk_events"),
        postgresql_partition_by="RANGE (recorded_at)",
    )
    op.execute("CREATE TABLE events_rest PARTITION OF events DEFAULT")
    op.execute("ALTER TABLE events_rest ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE events_rest FORCE ROW LEVEL SECURITY")
    op.create_index(
        "ix_events_unpublished", "events", ["tenant_id", "id"], postgresql_where=sa.text("published_at IS NULL")
    )
    op.create_index("ix_events_kind", "events", ["tenant_id", "kind", "id"])
    lock_table("events", grants="SELECT, INSERT, UPDATE (published_at)")
    function(EVENT_PARTITIONS, "make_event_partitions(date, int)")
    op.execute("SELECT make_event_partitions(current_date, 2)")


def upgrade() -> None:
    """Apply."""
    op.execute(f"GRANT SELECT ON alembic_version TO {SYSTEM}")  # /readyz compares it with the newest revision
    function(NEW_ID, "new_id()")
    _directory()
    function(ENTER_TENANT, "enter_tenant(uuid)")
    _events()
    stamp = sa.DateTime(timezone=True)
    tenant_table(
        "receipts",
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("handler", sa.Text, nullable=False),
        sa.Column("event_recorded_at", stamp, nullable=False),
        sa.Column("batch", sa.Uuid),
        sa.Column("due_at", stamp, nullable=False, server_default=sa.text("now()")),
        sa.Column("done_at", stamp),
        sa.Column("parked_at", stamp),
        sa.Column("attempts", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("error", sa.Text),
        sa.ForeignKeyConstraint(
            ["tenant_id", "event_id", "event_recorded_at"],
            ["events.tenant_id", "events.id", "events.recorded_at"],
            name="fk_receipts_tenant_id_event_id_event_recorded_at",
        ),
        key=("event_id", "handler"),
    )
    _owed_indexes("receipts")
    tenant_table(
        "tasks",
        sa.Column("job", sa.Text, nullable=False),
        sa.Column("args", JSONB, nullable=False, server_default="[]"),
        sa.Column("key", sa.Text),
        sa.Column("actor", sa.Text, nullable=False, server_default="system"),
        sa.Column("created_at", stamp, nullable=False, server_default=sa.text("now()")),
        sa.Column("due_at", stamp, nullable=False, server_default=sa.text("now()")),
        sa.Column("done_at", stamp),
        sa.Column("parked_at", stamp),
        sa.Column("attempts", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("error", sa.Text),
        sa.UniqueConstraint("tenant_id", "key", name="uq_tasks_tenant_id_key"),
    )
    _owed_indexes("tasks")


def _owed_indexes(table: str) -> None:
    still_open = sa.text("done_at IS NULL AND parked_at IS NULL")
    op.create_index(f"ix_{table}_open", table, ["tenant_id", "due_at"], postgresql_where=still_open)
    parked = sa.text("parked_at IS NOT NULL")
    op.create_index(f"ix_{table}_parked", table, ["tenant_id", "parked_at"], postgresql_where=parked)


def downgrade() -> None:
    """Take back."""
    op.execute("DROP FUNCTION IF EXISTS make_event_partitions(date, int)")
    drop_tables("events", "receipts", "tasks")
    op.execute("DROP FUNCTION IF EXISTS enter_tenant(uuid), find_tenant(text, text)")
    drop_tables("tenants", "tenant_hosts")
    op.execute("DROP FUNCTION IF EXISTS new_id()")
