"""Tenants, members and keys for the bench, made in sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from config.extensions import db
from loyalty.points.services import ensure_programme
from tenants.access import SCOPES
from tenants.integrations.rules import new_key, plaintext, secret_hash
from tenants.scope import system_session, tenant_scope

MODEL = "bench-model"


@dataclass(frozen=True)
class Shop:
    """A tenant of the bench, its key, and how many members numbered 1, 2, 3 … it has."""

    id: UUID
    slug: str
    key: str
    members: int


TENANTS = """
INSERT INTO tenants (slug, name, country, locale, currency, zone)
SELECT :prefix || '-' || n, 'Shop ' || n, 'GB', 'en_GB', 'GBP', 'Europe/London' FROM generate_series(1, :count) n
RETURNING id, slug
"""
# Every tenant has the model's programme: its rule, its policy, its levels.
PROGRAMMES = (
    "INSERT INTO programmes SELECT (jsonb_populate_record(p, jsonb_build_object('tenant_id', t.id))).* "
    "FROM programmes p, tenants t WHERE p.tenant_id = :model AND t.id = ANY(:ids)",
    "INSERT INTO rule_versions SELECT (jsonb_populate_record(p, jsonb_build_object('tenant_id', t.id))).* "
    "FROM rule_versions p, tenants t WHERE p.tenant_id = :model AND t.id = ANY(:ids)",
    "INSERT INTO tier_policies SELECT (jsonb_populate_record(p, jsonb_build_object('tenant_id', t.id))).* "
    "FROM tier_policies p, tenants t WHERE p.tenant_id = :model AND t.id = ANY(:ids)",
    "INSERT INTO tier_levels SELECT (jsonb_populate_record(p, jsonb_build_object('tenant_id', t.id))).* "
    "FROM tier_levels p, tenants t WHERE p.tenant_id = :model AND t.id = ANY(:ids)",
)
MEMBERS = """
INSERT INTO members (tenant_id, number, name, sort_key)
SELECT t.id, n::text, 'Member ' || n, 'member ' || n
FROM unnest(CAST(:ids AS uuid[])) AS t(id), generate_series(1, :members) n
"""
ACCOUNTS = (
    "INSERT INTO point_accounts (tenant_id, member_id) SELECT tenant_id, id FROM members WHERE tenant_id = ANY(:ids)"
)
KEYS = """
INSERT INTO api_keys (tenant_id, name, prefix, secret_hash, scopes, created_by)
VALUES (:tenant_id, 'bench', :prefix, :secret_hash, :scopes, 'system')
"""


def make_shops(count: int, *, members: int, prefix: str) -> list[Shop]:
    """Make tenants with members, accounts, a programme and a key each, and analyse the tables."""
    model = _model()
    with system_session() as session:
        found = session.execute(text(TENANTS), {"prefix": prefix, "count": count}).all()
        ids = [row.id for row in found]
        for statement in PROGRAMMES:
            session.execute(text(statement), {"model": model, "ids": ids})
        session.execute(text(MEMBERS), {"ids": ids, "members": members})
        session.execute(text(ACCOUNTS), {"ids": ids})
        return _keys(session, found, members)


def _model() -> UUID:
    with system_session() as session:
        found = session.scalar(text("SELECT id FROM tenants WHERE slug = :slug"), {"slug": MODEL})
        if found is None:
            made = session.execute(text(TENANTS.replace("|| '-' || n", "")), {"prefix": MODEL, "count": 1})
            found = made.one().id
    with tenant_scope(found):
        ensure_programme()
        db.session.commit()
    return UUID(str(found))


def _keys(session: Session, tenants: Sequence[object], members: int) -> list[Shop]:
    shops, rows = [], []
    for row in tenants:
        tenant_id, slug = row.id, row.slug  # type: ignore[attr-defined]  # rows of the statement above
        parts = new_key(slug)
        values = {"prefix": parts.prefix, "secret_hash": secret_hash(parts.secret), "scopes": list(SCOPES)}
        rows.append({"tenant_id": tenant_id, **values})
        shops.append(Shop(tenant_id, slug, plaintext(parts), members))
    session.execute(text(KEYS), rows)
    return shops
