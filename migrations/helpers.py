"""What every migration needs: one call gives a tenant table its key, policy and grants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

OWNER, APP, SYSTEM = "perennial_owner", "perennial_app", "perennial_system"
TENANT = "current_setting('app.tenant_id')::uuid"
PARTNER = "nullif(current_setting('app.partner_id', true), '')::uuid"


def tenant_table(
    name: str, *parts: Any, key: Sequence[str] = ("id",), grants: str = "SELECT, INSERT, UPDATE, DELETE", **kw: Any
) -> None:
    """Create a tenant table: tenant_id, `id` unless `key` says otherwise, primary key, policy, grants.

    `grants` is what the app role may do; an append-only ledger takes "SELECT, INSERT".
    """
    columns: list[Any] = [sa.Column("tenant_id", sa.Uuid, nullable=False, server_default=sa.text(TENANT))]
    if "id" in key:
        columns.append(sa.Column("id", sa.Uuid, nullable=False, server_default=sa.text("new_id()")))
    primary = sa.PrimaryKeyConstraint("tenant_id", *key, name=f"pk_{name}")
    op.create_table(name, *columns, *parts, primary, **kw)
    lock_table(name, grants=grants)


def lock_table(name: str, *, grants: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """Turn row-level security on and force it; the tenant in force sees and writes its own rows only.

    No missing_ok in the policy: a statement without a tenant raises instead of finding nothing.
    """
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON {name} TO {APP} USING (tenant_id = {TENANT}) WITH CHECK (tenant_id = {TENANT})"
    )
    op.execute(f"CREATE POLICY system ON {name} TO {SYSTEM} USING (true) WITH CHECK (true)")
    op.execute(f"GRANT {grants} ON {name} TO {APP}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {SYSTEM}")


def partner_lock(name: str, column: str = "partner_id", *, write: bool = False) -> None:
    """Add the second, restrictive policy: inside a tenant, a partner user meets own rows only.

    `column` holds the partner. With `write` false a partner user may read but not change them.
    """
    mine = f"({PARTNER} IS NULL OR {column} = {PARTNER})"
    staff = mine if write else f"({PARTNER} IS NULL)"
    op.execute(f"CREATE POLICY partner_read ON {name} AS RESTRICTIVE FOR SELECT TO {APP} USING {mine}")
    op.execute(f"CREATE POLICY partner_insert ON {name} AS RESTRICTIVE FOR INSERT TO {APP} WITH CHECK {staff}")
    op.execute(
        f"CREATE POLICY partner_update ON {name} AS RESTRICTIVE FOR UPDATE TO {APP} USING {staff} WITH CHECK {staff}"
    )
    op.execute(f"CREATE POLICY partner_delete ON {name} AS RESTRICTIVE FOR DELETE TO {APP} USING {staff}")


def staff_only(name: str) -> None:
    """Hide a table from partner users altogether: margins, other partners' money, members."""
    rule = f"({PARTNER} IS NULL)"
    op.execute(f"CREATE POLICY staff_only ON {name} AS RESTRICTIVE TO {APP} USING {rule} WITH CHECK {rule}")


def tenant_fk(name: str, column: str, table: str, **kw: Any) -> sa.ForeignKeyConstraint:
    """Composite reference (tenant_id, column) → table(tenant_id, id)."""
    return sa.ForeignKeyConstraint(
        ["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"], name=f"fk_{name}_tenant_id_{column}", **kw
    )


def function(ddl: str, signature: str, *, to: Sequence[str] = (APP, SYSTEM)) -> None:
    """Create a function and grant it to `to` only; `signature` is name(argument types)."""
    op.execute(sa.text(ddl.replace(":", r"\:")))
    op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {', '.join(to)}")


def drop_tables(*names: str) -> None:
    """Drop tables, the last one made first."""
    for name in reversed(names):
        op.execute(f"DROP TABLE IF EXISTS {name} CASCADE")
