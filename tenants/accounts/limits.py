"""How often one may fail. Keys carry the tenant, so that one tenant's noise locks nobody out elsewhere."""

from __future__ import annotations

import hashlib
import time

import structlog
from limits import RateLimitItem, parse
from redis import RedisError

from config.extensions import limiter
from tenants.errors import TooMany
from tenants.scope import current_tenant_id, in_scope

log = structlog.get_logger("accounts")

PER_ACCOUNT = parse("5 per 15 minutes")
PER_ADDRESS = parse("60 per 15 minutes")
CODES_PER_PERSON = parse("5 per 15 minutes")
CODES_PER_ADDRESS = parse("30 per 15 minutes")
SIGN_UPS = parse("10 per hour")
SLUG_LOOKS = parse("200 per hour")


def _key(what: str, who: str) -> tuple[str, str, str]:
    place = str(current_tenant_id()) if in_scope() else "platform"
    return place, what, hashlib.sha256(who.encode()).hexdigest()[:32]


def refuse_if_full(item: RateLimitItem, what: str, who: str) -> None:
    """Raises TooMany when `who` has used up the limit. Lets people in when Redis is away."""
    key = _key(what, who)
    try:
        free = limiter.limiter.test(item, *key)
        reset = 0.0 if free else limiter.limiter.get_window_stats(item, *key).reset_time
    except RedisError as error:
        log.warning("limit_unknown", what=what, error=str(error))
        return
    if not free:
        raise TooMany(retry_after=max(1, int(reset - time.time())))


def count(item: RateLimitItem, what: str, who: str) -> None:
    """Count one against the limit."""
    try:
        limiter.limiter.hit(item, *_key(what, who))
    except RedisError as error:
        log.warning("limit_not_counted", what=what, error=str(error))


def spend(item: RateLimitItem, what: str, who: str) -> None:
    """Refuse when the limit is used up, else count one. Raises TooMany."""
    refuse_if_full(item, what, who)
    count(item, what, who)


def forgive(item: RateLimitItem, what: str, who: str) -> None:
    """Start the count anew, after a success."""
    try:
        limiter.limiter.clear(item, *_key(what, who))
    except RedisError as error:
        log.warning("limit_not_cleared", what=what, error=str(error))
