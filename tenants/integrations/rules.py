"""The shape of an API key: pk_<slug>_<public>_<secret>. A slug has no underscore. Pure."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

_KEY = re.compile(r"(pk_([a-z0-9-]{2,40})_([a-z0-9]{10}))_([A-Za-z0-9]{40})")
_PUBLIC_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"


@dataclass(frozen=True)
class KeyParts:
    """A key taken apart. `prefix` is public and may be shown; `slug` is the tenant it belongs to."""

    prefix: str
    slug: str
    secret: str


def new_key(slug: str) -> KeyParts:
    """A key for the tenant with this slug: 50 public and 230 secret bits."""
    public = "".join(secrets.choice(_PUBLIC_LETTERS) for _ in range(10))
    secret = "".join(secrets.choice(_LETTERS) for _ in range(40))
    return KeyParts(f"pk_{slug}_{public}", slug, secret)


def parse(key: str) -> KeyParts | None:
    """The parts of a key, None for what is none."""
    found = _KEY.fullmatch(key)
    return KeyParts(found[1], found[2], found[4]) if found else None


def plaintext(parts: KeyParts) -> str:
    """The whole key, shown once."""
    return f"{parts.prefix}_{parts.secret}"


def secret_hash(secret: str) -> str:
    """What we keep of the secret. It has enough entropy to need neither salt nor slowness."""
    return hashlib.sha256(secret.encode()).hexdigest()
