"""What a country suggests: locale, currency, zone; and a slug for a name. Pure, from CLDR."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import available_timezones

from babel import Locale
from babel.core import get_global
from babel.localedata import locale_identifiers
from babel.numbers import get_territory_currencies, list_currencies
from pypinyin import lazy_pinyin

HAN_TRADITIONAL = {"TW", "HK", "MO"}
# Where CLDR lists several zones, the one most people live in.
MAIN_ZONE = {
    "US": "America/New_York", "CA": "America/Toronto", "AU": "Australia/Sydney", "CN": "Asia/Shanghai",
    "ES": "Europe/Madrid", "PT": "Europe/Lisbon", "DE": "Europe/Berlin", "NZ": "Pacific/Auckland",
    "BR": "America/Sao_Paulo", "MX": "America/Mexico_City", "ID": "Asia/Jakarta", "MY": "Asia/Kuala_Lumpur",
    "CL": "America/Santiago", "AR": "America/Argentina/Buenos_Aires", "KZ": "Asia/Almaty", "UA": "Europe/Kyiv",
    "IN": "Asia/Kolkata", "VN": "Asia/Ho_Chi_Minh",
}  # fmt: skip
RESERVED = frozenset("www api app admin console mail status static t signin signup help docs till partner me".split())


@dataclass(frozen=True)
class Suggestion:
    """What a country suggests: locale name, ISO 4217 currency, IANA zone."""

    locale: str
    currency: str
    zone: str


@lru_cache(maxsize=256)
def for_country(country: str) -> Suggestion:
    """Locale, currency and zone that fit an ISO 3166-1 country."""
    return Suggestion(_locale(country), _currency(country), _zone(country))


def _locale(country: str) -> str:
    likely = get_global("likely_subtags").get(f"und_{country}", "")
    if likely.startswith("zh"):
        script = "Hant" if country in HAN_TRADITIONAL else "Hans"
        return f"zh_{script}_{country}"
    return f"en_{country}" if f"en_{country}" in _known_locales() else "en_001"


def _currency(country: str) -> str:
    found = get_territory_currencies(country)
    return found[0] if found else "USD"


def _zone(country: str) -> str:
    zones = [zone for zone in get_global("territory_zones").get(country, []) if zone in available_timezones()]
    return MAIN_ZONE.get(country) or (zones[0] if zones else "UTC")


@lru_cache(maxsize=1)
def _known_locales() -> frozenset[str]:
    return frozenset(locale_identifiers())


def locales(reader: Locale) -> list[tuple[str, str]]:
    """The locales we speak a language of, named in the reader's language."""
    names = [name for name in _known_locales() if re.fullmatch(r"en_([A-Z]{2}|001|150)|zh_Han[st]_[A-Z]{2}", name)]
    return sorted(
        ((name, str(Locale.parse(name).get_display_name(reader))) for name in names), key=lambda pair: pair[1]
    )


def countries(reader: Locale) -> list[tuple[str, str]]:
    """Countries with two letters, named and sorted in the reader's language."""
    skip = {"EU", "UN", "QO", "XA", "XB", "ZZ", "EZ"}
    pairs = [
        (code, name) for code, name in reader.territories.items() if re.fullmatch("[A-Z]{2}", code) and code not in skip
    ]
    key = (lambda pair: lazy_pinyin(pair[1])) if reader.language == "zh" else (lambda pair: [_plain(pair[1])])
    return sorted(pairs, key=key)


def currencies(reader: Locale) -> list[tuple[str, str]]:
    """Currencies in use, as "GBP, British Pound"."""
    used = {
        code
        for country in reader.territories
        if len(str(country)) == 2
        for code in get_territory_currencies(str(country))
    }
    return [(code, f"{code}, {reader.currencies.get(code, code)}") for code in sorted(used & set(list_currencies()))]


def zones() -> list[tuple[str, str]]:
    """IANA zones of places, for choosing."""
    named = sorted(
        zone
        for zone in available_timezones()
        if "/" in zone and not zone.startswith(("Etc/", "SystemV/", "posix/", "right/"))
    )
    return [(zone, zone.replace("_", " ")) for zone in ["UTC", *named]]


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).lower()


def slug_of(name: str) -> str:
    """A slug for a name: lower case letters and digits with single dashes, Chinese in pinyin, at most 40."""
    roman = "".join(lazy_pinyin(name)) if re.search(r"[\u3400-\u9fff]", name) else name
    joined = re.sub(r"[^a-z0-9]+", "-", _plain(roman)).strip("-")[:40].strip("-")
    return joined if len(joined) > 1 else ""


def is_slug(text: str) -> bool:
    """Whether the text may be a slug; some words are kept for addresses of our own."""
    return bool(re.fullmatch(r"[a-z0-9](-?[a-z0-9])*", text)) and 2 <= len(text) <= 40 and text not in RESERVED
