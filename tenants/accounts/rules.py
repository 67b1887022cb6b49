"""What a good password is, how secrets are kept, how long things last. Pure."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext as _l

MIN_PASSWORD = 10
CODE_DIGITS = 6
CODE_ATTEMPTS = 5
CODE_LIFE = timedelta(minutes=10)
INVITATION_LIFE = timedelta(days=7)
RESET_LIFE = timedelta(hours=1)
HANDOVER_LIFE = timedelta(minutes=2)
SECOND_STEP_LIFE = timedelta(minutes=10)
RECOVERY_CODES = 10
TOUCH_EVERY = timedelta(minutes=5)

# kind → how long a session may idle, and how long it may last at all
LIFETIMES: dict[str, tuple[timedelta, timedelta]] = {
    "staff": (timedelta(days=7), timedelta(days=30)),
    "member": (timedelta(days=90), timedelta(days=365)),
    "partner": (timedelta(days=14), timedelta(days=60)),
    "operator": (timedelta(hours=8), timedelta(days=7)),
}

# The most tried ones that are long enough to pass the length rule.
COMMON = frozenset(
    "1234567890 0123456789 0987654321 12345678910 123456789a 1q2w3e4r5t qwertyuiop qwerty1234 qwerty12345 "
    "q1w2e3r4t5 password12 password123 password1234 passw0rd12 iloveyou12 1234512345 1111111111 0000000000 "
    "123123123123 1qaz2wsx3edc abcdefghij abcd123456 abc1234567 a123456789 letmein123 welcome123 administrator "
    "adminadmin football12 baseball12 superman12 princess12 sunshine12 charlie123 liverpool1 123qweasdzxc "
    "zxcvbnm123 asdfghjkl1 asdfghjkl123 changeme123 trustno1234 monkey1234 dragon1234 woaini1314 5201314520 "
    "woaini520520 123456789q 147258369a 1233211234567".split()
)


def password_faults(password: str, *, email: str = "") -> list[Any]:
    """Why a new password is not good enough, as sentences; empty when it is."""
    low = password.lower()
    if len(password) < MIN_PASSWORD:
        return [_l("Use at least %(count)d characters.", count=MIN_PASSWORD)]
    if low in COMMON or len(set(low)) < 4:
        return [_l("This password is one of the first that others would try.")]
    if email and low in (email.lower(), email.lower().split("@")[0]):
        return [_l("Your e-mail address is no password.")]
    return []


def normal_email(text: str) -> str:
    """An e-mail address as we keep it."""
    return text.strip().lower()


def new_token() -> str:
    """A secret for a link or a cookie: 256 bits, safe in URLs."""
    return secrets.token_urlsafe(32)


def new_code() -> str:
    """A one-time code that a person can type."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def token_hash(token: str) -> str:
    """What we keep of a token. It has enough entropy to need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def code_hash(code: str, *, salt: str) -> str:
    """What we keep of a typed code; the salt is the id of its row."""
    digits = "".join(character for character in code if character.isdigit())
    return hashlib.sha256(f"{salt}:{digits}".encode()).hexdigest()


def new_recovery_codes() -> list[str]:
    """Codes to print and keep: each works once instead of the authenticator app."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    raw = ("".join(secrets.choice(alphabet) for _ in range(10)) for _ in range(RECOVERY_CODES))
    return [f"{code[:5]}-{code[5:]}" for code in raw]


def normal_recovery_code(text: str) -> str:
    """A recovery code as typed, without spaces and capitals; the dash may be missing."""
    plain = "".join(character for character in text.lower() if character.isalnum())
    return f"{plain[:5]}-{plain[5:]}"


_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("MicroMessenger", "WeChat"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Mac OS", "macOS"),
    ("Windows", "Windows"),
    ("Linux", "Linux"),
)


def browser_name(agent: str | None) -> str:
    """A browser as people call it, from its User-Agent: "Firefox, Windows"."""
    text = agent or ""
    found = [next((name for mark, name in marks if mark in text), "") for marks in (_BROWSERS, _SYSTEMS)]
    if not found[0] and "Safari/" in text:
        found[0] = "Safari"
    return ", ".join(filter(None, found)) or (text[:40] or "?")
