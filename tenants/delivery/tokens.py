"""Signed names for a message: in unsubscribe links, bounce addresses, and the doors of gateways.

Derived from the installation's secret, so nothing is stored and nothing can be guessed.
"""

from __future__ import annotations

import hashlib
import hmac
from uuid import UUID

from itsdangerous import BadSignature, URLSafeSerializer

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
PAIR, SIGNATURE = 50, 6  # digits of base 36 for two UUIDs; for the signature


def _serializer(secret: str, tenant_id: UUID) -> URLSafeSerializer:
    # The tenant is in the salt: a token of one tenant is noise at another's door.
    return URLSafeSerializer(secret, salt=f"unsubscribe:{tenant_id}")


def unsubscribe_token(secret: str, *, tenant_id: UUID, message_id: UUID) -> str:
    """The token of a message's unsubscribe link. It does not expire, as the law asks."""
    return str(_serializer(secret, tenant_id).dumps(message_id.hex))


def read_unsubscribe(secret: str, token: str, *, tenant_id: UUID) -> UUID | None:
    """The message of an unsubscribe link, None when it is forged or another tenant's."""
    try:
        return UUID(hex=_serializer(secret, tenant_id).loads(token))
    except (BadSignature, ValueError, TypeError, AttributeError):
        return None


def door_token(secret: str, door: str, tenant_id: UUID | None = None) -> str:
    """What a gateway must show at one of our doors ("sms", "bounce"), for one tenant or the installation."""
    return hmac.new(secret.encode(), f"door:{door}:{tenant_id}".encode(), hashlib.sha256).hexdigest()[:40]


def _base36(number: int, width: int) -> str:
    digits = ""
    for _place in range(width):
        number, rest = divmod(number, 36)
        digits = DIGITS[rest] + digits
    return digits


def _sign(secret: str, pair: str) -> str:
    digest = hmac.new(secret.encode(), f"bounce:{pair}".encode(), hashlib.sha256).digest()
    return _base36(int.from_bytes(digest[:8]), SIGNATURE)


def bounce_local(secret: str, name: str, *, tenant_id: UUID, message_id: UUID) -> str:
    """The local part that a mail's bounces come back to. Lower case only and at most 64 characters, as mail asks."""
    pair = _base36(tenant_id.int << 128 | message_id.int, PAIR)
    return f"{name}+{pair}{_sign(secret, pair)}"


def read_bounce_local(secret: str, local: str) -> tuple[UUID, UUID] | None:
    """(tenant, message) of a bounce address, None when it is not one of ours."""
    token = local.lower().rpartition("+")[2]
    pair, signature = token[:PAIR], token[PAIR:]
    if len(token) != PAIR + SIGNATURE or not hmac.compare_digest(signature, _sign(secret, pair)):
        return None
    number = int(pair, 36)
    if number >> 256:
        return None
    return UUID(int=number >> 128), UUID(int=number & (1 << 128) - 1)
