"""Verbs of API keys: issue, check, revoke."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select

from config.extensions import db
from tenants.access import SCOPES, Actor
from tenants.errors import Malformed, NotFound
from tenants.events import current_actor_ref, record
from tenants.ids import new_id
from tenants.info import TenantInfo, tenant_info
from tenants.integrations.facts import KeyCreated, KeyRevoked
from tenants.integrations.models import ApiKey
from tenants.integrations.rules import new_key, parse, plaintext, secret_hash
from tenants.scope import call

KEPT_SECONDS = 5.0
_kept: dict[bytes, tuple[float, Actor | None]] = {}
_lock = threading.Lock()


def issue_key(name: str, scopes: Sequence[str]) -> str:
    """Make a key of this tenant and return it whole, the only time it can be seen.

    Raises Malformed for a scope that does not exist or none at all.
    """
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise Malformed({"scopes": [f"unknown: {', '.join(unknown)}" if unknown else "empty"]})
    parts = new_key(tenant_info().slug)
    key_id, wanted = new_id(), [scope for scope in SCOPES if scope in scopes]
    db.session.add(
        ApiKey(
            id=key_id,
            name=name,
            prefix=parts.prefix,
            secret_hash=secret_hash(parts.secret),
            scopes=wanted,
            created_by=current_actor_ref(),
        )
    )
    record(KeyCreated(key_id=key_id, prefix=parts.prefix, scopes=wanted))
    return plaintext(parts)


def revoke_key(key_id: UUID, *, by: UUID | None = None) -> ApiKey:
    """Revoke a key; processes forget it within seconds. Raises NotFound; a second time changes nothing."""
    key = db.session.scalar(select(ApiKey).where(ApiKey.id == key_id))
    if key is None:
        raise NotFound
    if key.revoked_at is None:
        key.revoked_at, key.revoked_by = datetime.now(UTC), by
        record(KeyRevoked(key_id=key.id, prefix=key.prefix))
    return key


def actor_for_key(key: str, tenant: TenantInfo) -> Actor | None:
    """Who this key is, in the tenant in force; None for an unknown, revoked or foreign one.

    The hot path: remembered for five seconds in this process, else one statement outside the session.
    """
    digest = hashlib.sha256(f"{tenant.id}:{key}".encode()).digest()
    kept = _kept.get(digest)
    if kept and kept[0] > time.monotonic():
        return kept[1]
    actor = _look_up(key, tenant)
    with _lock:
        if len(_kept) > 20_000:
            _kept.clear()
        _kept[digest] = (time.monotonic() + KEPT_SECONDS, actor)
    return actor


def _look_up(key: str, tenant: TenantInfo) -> Actor | None:
    parts = parse(key)
    if parts is None or parts.slug != tenant.slug:
        return None
    rows = call(
        "SELECT id, name, secret_hash, scopes FROM find_api_key(:tenant, :prefix)",
        {"tenant": tenant.id, "prefix": parts.prefix},
    )
    if not rows or not hmac.compare_digest(rows[0].secret_hash, secret_hash(parts.secret)):
        return None
    return Actor("key", rows[0].id, rows[0].name, frozenset(rows[0].scopes))


def forget_keys() -> None:
    """Empty this process's memory of keys."""
    with _lock:
        _kept.clear()
