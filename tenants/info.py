"""The tenant's directory row as a small frozen value, cached for some seconds in each process."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from config.extensions import db
from tenants.scope import current_tenant_id, system_session

KEPT_SECONDS = 10.0


@dataclass(frozen=True)
class TenantInfo:
    """What a request needs to know of its tenant. `zone` is an IANA name, `currency` ISO 4217."""

    id: UUID
    slug: str
    name: str
    country: str
    locale: str
    currency: str
    zone: str
    status: str
    is_demo: bool
    branding: dict[str, Any] = field(hash=False)
    settings: dict[str, Any] = field(hash=False)

    @property
    def tz(self) -> ZoneInfo:
        """The tenant's time zone."""
        return ZoneInfo(self.zone)

    def setting(self, name: str) -> Any:
        """A setting of the tenant or its default. Raises KeyError for a name nobody declared."""
        return self.settings.get(name, DEFAULTS[name])


# Every tenant setting has its default here, with its unit in the name.
DEFAULTS: dict[str, Any] = {"message_max_age_days": 7}

COLUMNS = "id, slug, name, country, locale, currency, zone, status, is_demo, branding, settings"

_cache: dict[tuple[str, str], tuple[float, TenantInfo | None]] = {}
_lock = threading.Lock()


def _kept(kind: str, key: str) -> tuple[bool, TenantInfo | None]:
    entry = _cache.get((kind, key))
    if entry and entry[0] > time.monotonic():
        return True, entry[1]
    return False, None


def _keep(kind: str, key: str, info: TenantInfo | None) -> TenantInfo | None:
    with _lock:
        if len(_cache) > 50_000:
            _cache.clear()
        _cache[(kind, key)] = (time.monotonic() + KEPT_SECONDS, info)
        if info is not None:
            _cache[("id", str(info.id))] = (time.monotonic() + KEPT_SECONDS, info)
    return info


def find_tenant(*, slug: str = "", host: str = "") -> TenantInfo | None:
    """The tenant with this slug or host name, None when there is none. One look-up function in PostgreSQL."""
    kind, key = ("slug", slug) if slug else ("host", host)
    hit, info = _kept(kind, key)
    if hit:
        return info
    with db.engine.connect() as connection:
        query = text(f"SELECT {COLUMNS} FROM find_tenant(:slug, :host)")
        row = connection.execute(query, {"slug": slug, "host": host}).mappings().one_or_none()
    return _keep(kind, key, TenantInfo(**row) if row else None)


def tenant_info(tenant_id: UUID | None = None) -> TenantInfo:
    """The tenant in force, or the one named. Raises LookupError when it is gone."""
    wanted = tenant_id or current_tenant_id()
    hit, info = _kept("id", str(wanted))
    if hit and info is not None:
        return info
    with system_session() as session:
        query = text(f"SELECT {COLUMNS} FROM tenants WHERE id = :id")
        row = session.execute(query, {"id": wanted}).mappings().one_or_none()
    if row is None:
        raise LookupError(f"tenant {wanted} is gone")
    found = _keep("id", str(wanted), TenantInfo(**row))
    assert found is not None
    return found


def forget_tenants() -> None:
    """Empty this process's cache, after the directory was changed here."""
    with _lock:
        _cache.clear()
