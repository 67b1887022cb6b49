"""Two-step sign-in by an authenticator app (RFC 6238)."""

from __future__ import annotations

import time

import pyotp

STEP_SECONDS = 30
ISSUER = "Perennial"


def new_secret() -> str:
    """A secret for an authenticator app, base 32."""
    return pyotp.random_base32()


def provisioning_uri(secret: str, *, email: str, place: str) -> str:
    """What the QR code says to the authenticator app."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=f"{ISSUER} {place}".strip())


def matching_step(secret: str, code: str, *, last_step: int | None = None, now: float | None = None) -> int | None:
    """The time step the code belongs to (this one or a neighbour), None when wrong or used before."""
    digits = "".join(character for character in code if character.isdigit())
    totp, current = pyotp.TOTP(secret), int((time.time() if now is None else now) // STEP_SECONDS)
    for step in (current, current - 1, current + 1):
        if totp.verify(digits, for_time=step * STEP_SECONDS) and (last_step is None or step > last_step):
            return step
    return None
