"""Addresses as people type them, as we keep them. Pure.

Phone numbers are kept as E.164 (`+441632960960`), read with the tenant's country where no country
code is given. E-mail addresses keep their local part; the domain is lower case.
"""

from __future__ import annotations

import re

import phonenumbers
from flask_babel import lazy_gettext as _l

from tenants.errors import Malformed

_LOCAL = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}")
_LABEL = re.compile(r"(?!-)[\w-]{1,63}(?<!-)", re.UNICODE)
LONGEST_EMAIL = 254
FULL_WIDTH = str.maketrans("０１２３４５６７８９＋（）－　", "0123456789+()- ")


def normal_email(text: str) -> str | None:
    """The e-mail address as kept, None when it is none."""
    local, _at, domain = text.strip().removeprefix("mailto:").rpartition("@")
    domain = domain.rstrip(".").lower()
    labels = domain.split(".")
    if not _LOCAL.fullmatch(local) or local.startswith(".") or local.endswith(".") or ".." in local:
        return None
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        return None
    address = f"{local}@{domain}"
    return address if len(address) <= LONGEST_EMAIL else None


def normal_phone(text: str, *, country: str) -> str | None:
    """The number as E.164, None when it is none. `country` (ISO 3166-1) reads national numbers."""
    try:
        number = phonenumbers.parse(text.translate(FULL_WIDTH), country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normal(channel: str, text: str, *, country: str) -> str | None:
    """The address of a channel as kept, None when it is none."""
    return normal_email(text) if channel == "email" else normal_phone(text, country=country)


def normalised(channel: str, text: str, *, country: str, field: str = "") -> str:
    """The address as kept. Raises Malformed on `field`, by default the channel."""
    found = normal(channel, text, country=country)
    if found is None:
        sentence = _l("This is not an e-mail address.") if channel == "email" else _l("This is not a phone number.")
        raise Malformed({field or channel: [sentence]})
    return found


def channel_of(text: str) -> str:
    """Which channel somebody means who types an address into one field."""
    return "email" if "@" in text else "sms"


def key(value: str) -> str:
    """The form in which two addresses are compared."""
    return value.lower()


def shown_phone(value: str) -> str:
    """An E.164 number as people write it internationally."""
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        return value
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def masked(value: str) -> str:
    """An address that its owner recognises and a stranger cannot use: `a···@example.com`, `+44 ··· 960`."""
    local, at, domain = value.partition("@")
    if at:
        return f"{local[:1]}···@{domain}"
    return f"{value[:3]} ··· {value[-3:]}"
