"""What PostgreSQL's own catalogue must say of every table. A fault is a sentence; none is the aim."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, text

# Global tables, by name, each with what keeps tenants apart in it.
GLOBAL = {
    "alembic_version": "the schema's version, nobody's data",
    "tenants": "policy on id: a tenant meets its own row",
    "tenant_hosts": "policy on tenant_id: a tenant meets its own hosts",
    "accounts": "a person may work for several tenants; policies: oneself and one's colleagues",
    "account_secrets": "policy: the signed-in person's own",
    "operator_sessions": "operators stand outside all tenants; no grant for the app role",
}
# Tenant tables that a partner user may meet whole, each with the reason.
OPEN_TO_PARTNERS = {
    "products": "the catalogue a distributor orders from",
    "categories": "part of the catalogue",
    "units": "part of the catalogue",
}
ROLES = {"app": "perennial_app", "system": "perennial_system", "owner": "perennial_owner"}

_TABLES = """
SELECT c.oid, c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
  c.relowner::regrole::text AS owner, c.relispartition AS partition
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1
"""
_POLICIES = """
SELECT polname AS name, polpermissive AS permissive, polcmd::text AS command, polroles::regrole[]::text[] AS roles,
  pg_get_expr(polqual, polrelid) AS reading, pg_get_expr(polwithcheck, polrelid) AS writing
FROM pg_policy WHERE polrelid = :table
"""
_INDEXES = """
SELECT i.indexrelid::regclass::text AS name, i.indisprimary AS primary_key, i.indisunique AS unique_rule,
  (SELECT attname FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[0]) AS first
FROM pg_index i WHERE i.indrelid = :table
"""
_REFERENCES = """
SELECT k.conname AS name, k.confrelid::regclass::text AS target,
  ARRAY(SELECT attname::text FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)) AS columns
FROM pg_constraint k WHERE k.conrelid = :table AND k.contype = 'f'
"""
OWN = "(tenant_id = (current_setting('app.tenant_id'::text))::uuid)"


def faults(connection: Connection) -> list[str]:
    """Every way in which a table or a role is not locked as it must be."""
    tables = connection.execute(text(_TABLES)).mappings().all()
    names = {table["name"] for table in tables}
    found = [f"{name} is listed as global but does not exist" for name in set(GLOBAL) - names]
    scoped = {table["name"] for table in tables} - set(GLOBAL)
    for table in tables:
        found += [f"{table['name']}: {fault}" for fault in _of_table(connection, dict(table), scoped)]
    return found + list(_of_roles(connection))


def _of_table(connection: Connection, table: dict[str, Any], scoped: set[str]) -> Iterator[str]:
    if table["owner"] == ROLES["app"]:
        yield "belongs to the app role, whom its policies would not bind"
    if table["name"] == "alembic_version":
        return
    if not (table["enabled"] and table["forced"]):
        yield "row-level security is not enabled and forced"
    if table["name"] in GLOBAL or table["partition"]:
        return  # a partition is reached through its parent's policies and has none, so directly it shows nothing
    yield from _of_policies(connection, table)
    yield from _of_keys(connection, table["oid"], scoped)


def _of_policies(connection: Connection, table: dict[str, Any]) -> Iterator[str]:
    policies = connection.execute(text(_POLICIES), {"table": table["oid"]}).mappings().all()
    for_app = [policy for policy in policies if ROLES["app"] in policy["roles"] or "-" in policy["roles"]]
    permissive = [policy for policy in for_app if policy["permissive"]]
    if [(p["command"], p["reading"], p["writing"]) for p in permissive] != [("*", OWN, OWN)]:
        yield f"the app role's one permissive policy must be {OWN} for reading and writing"
    restrictive = [policy for policy in for_app if not policy["permissive"]]
    if not restrictive and table["name"] not in OPEN_TO_PARTNERS:
        yield "no restrictive policy: partner users would meet it whole (partner_lock, staff_only or OPEN_TO_PARTNERS)"


def _of_keys(connection: Connection, table: int, scoped: set[str]) -> Iterator[str]:
    indexes = connection.execute(text(_INDEXES), {"table": table}).mappings().all()
    if not any(index["primary_key"] for index in indexes):
        yield "no primary key"
    for index in indexes:
        if index["first"] != "tenant_id":
            yield f"index {index['name']} does not begin with tenant_id"
    for reference in connection.execute(text(_REFERENCES), {"table": table}).mappings():
        if reference["target"].split("_20")[0] in scoped and "tenant_id" not in reference["columns"]:
            yield f"{reference['name']} refers to {reference['target']} without tenant_id"


def _of_roles(connection: Connection) -> Iterator[str]:
    query = (
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = ANY (:names)"
    )
    roles = connection.execute(text(query), {"names": list(ROLES.values())}).mappings().all()
    for role in roles:
        if role["rolsuper"] or role["rolbypassrls"] or role["rolcreaterole"] or role["rolcreatedb"]:
            yield f"{role['rolname']} may do more than it must"
    members = text("SELECT count(*) FROM pg_auth_members m WHERE m.member = CAST(:app AS regrole)")
    if connection.scalar(members, {"app": ROLES["app"]}):
        yield "the app role is a member of another role"
    public = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef AND proacl IS NULL"
    for (name,) in connection.execute(text(public)):
        yield f"function {name} runs as its owner and everybody may call it"
