"""Accounts: people who sign in, their memberships, sessions, invitations and one-time codes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from migrations.helpers import APP, OWNER, SYSTEM, drop_tables, function, tenant_table

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STAMP = sa.DateTime(timezone=True)
NOW = sa.text("now()")
ME = "nullif(current_setting('app.account_id', true), '')::uuid"

# The one look-up before sign-in: one account by its e-mail, never a list.
ACCOUNT_FOR_SIGNIN = """
CREATE FUNCTION account_for_signin(p_email text)
RETURNS TABLE (id uuid, email text, name text, locale text, is_operator boolean,
  password_hash text, totp_secret text, totp_since timestamptz, recovery_hashes text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT a.id, a.email, a.name, a.locale, a.is_operator, s.password_hash, s.totp_secret, s.totp_since, s.recovery_hashes
  FROM accounts a JOIN account_secrets s ON s.account_id = a.id
  WHERE a.email = lower(p_email)
$$"""

# An account is made by accepting an invitation: the e-mail has been proven by then.
CREATE_ACCOUNT = """
CREATE FUNCTION create_account(p_email text, p_name text, p_hash text, p_locale text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE v_id uuid;
BEGIN
  INSERT INTO accounts (email, name, locale) VALUES (lower(p_email), p_name, p_locale) RETURNING id INTO v_id;
  INSERT INTO account_secrets (account_id, password_hash) VALUES (v_id, p_hash);
  RETURN v_id;
END $$"""

# One attempt at a one-time code, counted whatever the request's own transaction does.
TRY_CODE = """
CREATE FUNCTION try_code(p_tenant uuid, p_id uuid, p_hash text, p_attempts int)
RETURNS TABLE (kind text, subject_id uuid, address text) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter_tenant(p_tenant);
  UPDATE signin_codes c SET attempts = c.attempts + 1
    WHERE c.tenant_id = p_tenant AND c.id = p_id AND c.used_at IS NULL;
  RETURN QUERY UPDATE signin_codes c SET used_at = now()
    WHERE c.tenant_id = p_tenant AND c.id = p_id AND c.used_at IS NULL AND c.attempts <= p_attempts
      AND c.expires_at > now() AND c.code_hash = p_hash
    RETURNING c.kind, c.subject_id, c.address;
END $$"""

# A refusal is worth an event although its request rolls back.
NOTE_EVENT = """
CREATE FUNCTION note_event(p_tenant uuid, p_kind text, p_actor text, p_payload jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter_tenant(p_tenant);
  INSERT INTO events (tenant_id, kind, actor, payload) VALUES (p_tenant, p_kind, p_actor, p_payload);
END $$"""


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("new_id()")),
        sa.Column("email", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("locale", sa.Text),
        sa.Column("is_operator", sa.Boolean, nullable=False, server_default="false"),
        sa.Column("trusted_since", STAMP),
        sa.Column("created_at", STAMP, nullable=False, server_default=NOW),
        sa.CheckConstraint("email = lower(email)", name="lower"),
    )
    op.create_table(
        "account_secrets",
        sa.Column("account_id", sa.Uuid, sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("password_hash", sa.Text),
        sa.Column("password_since", STAMP, nullable=False, server_default=NOW),
        sa.Column("totp_secret", sa.Text),
        sa.Column("totp_since", STAMP),
        sa.Column("totp_last_step", sa.BigInteger),
        sa.Column("recovery_hashes", ARRAY(sa.Text), nullable=False, server_default="{}"),
    )
    op.create_table(
        "operator_sessions",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("new_id()")),
        sa.Column("account_id", sa.Uuid, sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
        sa.Column("token_hash", sa.Text, nullable=False, unique=True),
        sa.Column("created_at", STAMP, nullable=False, server_default=NOW),
        sa.Column("last_seen_at", STAMP, nullable=False, server_default=NOW),
        sa.Column("ip", sa.Text),
        sa.Column("agent", sa.Text),
        sa.Column("ended_at", STAMP),
    )
    for table in ("accounts", "account_secrets", "operator_sessions"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY system ON {table} TO {SYSTEM} USING (true) WITH CHECK (true)")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {SYSTEM}")


def _account_policies() -> None:
    # Inside a tenant the app role meets its colleagues; it changes one account at a time, the one it names.
    op.execute(
        f"CREATE POLICY colleagues ON accounts FOR SELECT TO {APP} "
        "USING (EXISTS (SELECT 1 FROM memberships m WHERE m.account_id = accounts.id))"
    )
    op.execute(f"CREATE POLICY own_read ON accounts FOR SELECT TO {APP} USING (id = {ME})")
    op.execute(f"CREATE POLICY own ON accounts FOR UPDATE TO {APP} USING (id = {ME}) WITH CHECK (id = {ME})")
    op.execute(f"GRANT SELECT, UPDATE (name, locale, trusted_since) ON accounts TO {APP}")
    op.execute(
        f"CREATE POLICY own ON account_secrets TO {APP} USING (account_id = {ME}) WITH CHECK (account_id = {ME})"
    )
    op.execute(f"GRANT SELECT, UPDATE ON account_secrets TO {APP}")
    for table in ("accounts", "account_secrets"):  # the two SECURITY DEFINER functions
        op.execute(f"CREATE POLICY owner_read ON {table} FOR SELECT TO {OWNER} USING (true)")
        op.execute(f"CREATE POLICY owner_make ON {table} FOR INSERT TO {OWNER} WITH CHECK (true)")
    function(ACCOUNT_FOR_SIGNIN, "account_for_signin(text)")
    function(CREATE_ACCOUNT, "create_account(text, text, text, text)")


def _memberships() -> None:
    tenant_table(
        "memberships",
        sa.Column(
            "account_id", sa.Uuid, sa.ForeignKey("accounts.id", name="fk_memberships_account_id"), nullable=False
        ),
        sa.Column("roles", ARRAY(sa.Text), nullable=False, server_default="{}"),
        sa.Column("status", sa.Text, nullable=False, server_default="active"),
        sa.Column("joined_at", STAMP, nullable=False, server_default=NOW),
        sa.UniqueConstraint("tenant_id", "account_id", name="uq_memberships_tenant_id_account_id"),
        sa.CheckConstraint("status IN ('active', 'suspended')", name="status"),
    )
    tenant_table(
        "invitations",
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("roles", ARRAY(sa.Text), nullable=False),
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("invited_by", sa.Uuid),
        sa.Column("created_at", STAMP, nullable=False, server_default=NOW),
        sa.Column("expires_at", STAMP, nullable=False),
        sa.Column("accepted_at", STAMP),
        sa.UniqueConstraint("tenant_id", "token_hash", name="uq_invitations_tenant_id_token_hash"),
        sa.CheckConstraint("email = lower(email)", name="lower"),
    )


def _sessions() -> None:
    tenant_table(
        "sessions",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("face", sa.Text, nullable=False),
        sa.Column("created_at", STAMP, nullable=False, server_default=NOW),
        sa.Column("last_seen_at", STAMP, nullable=False, server_default=NOW),
        sa.Column("ip", sa.Text),
        sa.Column("agent", sa.Text),
        sa.Column("ended_at", STAMP),
        sa.UniqueConstraint("tenant_id", "token_hash", name="uq_sessions_tenant_id_token_hash"),
        sa.CheckConstraint("kind IN ('staff', 'member', 'partner')", name="kind"),
    )
    op.create_index("ix_sessions_subject", "sessions", ["tenant_id", "kind", "subject_id"])
    tenant_table(
        "signin_codes",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Uuid),
        sa.Column("address", sa.Text),
        sa.Column("code_hash", sa.Text, nullable=False),
        sa.Column("link_hash", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("created_at", STAMP, nullable=False, server_default=NOW),
        sa.Column("expires_at", STAMP, nullable=False),
        sa.Column("used_at", STAMP),
        sa.UniqueConstraint("tenant_id", "link_hash", name="uq_signin_codes_tenant_id_link_hash"),
        sa.CheckConstraint("kind IN ('member', 'partner')", name="kind"),
    )
    op.create_index("ix_signin_codes_expires_at", "signin_codes", ["tenant_id", "expires_at"])
    tenant_table(
        "handovers",
        sa.Column("account_id", sa.Uuid, sa.ForeignKey("accounts.id", name="fk_handovers_account_id"), nullable=False),
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("expires_at", STAMP, nullable=False),
        sa.Column("used_at", STAMP),
        sa.UniqueConstraint("tenant_id", "token_hash", name="uq_handovers_tenant_id_token_hash"),
    )


def _brand_files() -> None:
    tenant_table(
        "brand_files",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("uploaded_at", STAMP, nullable=False, server_default=NOW),
        sa.UniqueConstraint("tenant_id", "kind", name="uq_brand_files_tenant_id_kind"),
        sa.CheckConstraint("kind IN ('logo', 'icon')", name="kind"),
        sa.CheckConstraint("length(content) <= 524288", name="size"),
    )


def upgrade() -> None:
    """Apply."""
    _accounts()
    _memberships()
    _account_policies()
    _sessions()
    _brand_files()
    function(TRY_CODE, "try_code(uuid, uuid, text, int)")
    function(NOTE_EVENT, "note_event(uuid, text, text, jsonb)")
    # A tenant takes and gives back its own host names.
    op.execute(f"GRANT INSERT, DELETE ON tenant_hosts TO {APP}")


def downgrade() -> None:
    """Take back."""
    op.execute(f"REVOKE INSERT, DELETE ON tenant_hosts FROM {APP}")
    op.execute("DROP FUNCTION IF EXISTS note_event(uuid, text, text, jsonb), try_code(uuid, uuid, text, int)")
    drop_tables("memberships", "invitations", "sessions", "signin_codes", "handovers", "brand_files")
    op.execute("DROP FUNCTION IF EXISTS create_account(text, text, text, text), account_for_signin(text)")
    drop_tables("accounts", "account_secrets", "operator_sessions")
