"""Tells the relay which tenants have work. Only a hint: a slow sweep finds what a lost hint missed."""

from __future__ import annotations

import time
from uuid import UUID

from redis import RedisError

from config.extensions import redis

KEY = "perennial:relay:hints"
_EVERY_SECONDS = 0.25
_last: dict[UUID, float] = {}


def hint(tenant_id: UUID) -> None:
    """Put the tenant on the relay's list, at most a few times a second from one process. Never fails."""
    now = time.monotonic()
    if now - _last.get(tenant_id, 0.0) < _EVERY_SECONDS:
        return
    if len(_last) > 20_000:
        _last.clear()
    _last[tenant_id] = now
    try:
        redis().sadd(KEY, str(tenant_id))
    except RedisError:
        _last.pop(tenant_id, None)


def take(count: int = 100) -> list[UUID]:
    """For the relay: some of the tenants that were hinted, off the list. Raises RedisError."""
    return [UUID(value.decode()) for value in redis().spop(KEY, count)]  # type: ignore[union-attr]  # the client is synchronous
