"""Passwords: argon2 with the parameters OWASP names; older hashes are accepted once and made new."""

from __future__ import annotations

from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from werkzeug.security import check_password_hash

_OLD = ("pbkdf2:", "scrypt:")


@lru_cache(maxsize=2)
def _hasher(cheap: bool) -> PasswordHasher:
    # 19 MiB, two passes, one lane: some 30 ms. Tests sign in hundreds of times.
    return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1) if cheap else PasswordHasher(2, 19 * 1024, 1)


@lru_cache(maxsize=2)
def _nobody(cheap: bool) -> str:
    return _hasher(cheap).hash("nobody has this password")


def hash_password(password: str, *, cheap: bool = False) -> str:
    """The hash to keep. `cheap` is for tests."""
    return _hasher(cheap).hash(password)


def verify(kept: str | None, password: str, *, cheap: bool = False) -> tuple[bool, str | None]:
    """Whether the password is right, and a new hash where the kept one is of an older make.

    Without a kept hash the same work is done, so that the time says nothing of whether an account exists.
    """
    if kept and kept.startswith(_OLD):
        right = check_password_hash(kept, password)
        return right, hash_password(password, cheap=cheap) if right else None
    try:
        _hasher(cheap).verify(kept or _nobody(cheap), password)
    except (VerificationError, InvalidHashError):
        return False, None
    if not kept:
        return False, None
    renew = _hasher(cheap).check_needs_rehash(kept)
    return True, hash_password(password, cheap=cheap) if renew else None
