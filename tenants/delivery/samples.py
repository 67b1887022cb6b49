"""Invented figures for the previews of templates."""

from __future__ import annotations

from typing import Any

LINK = "https://example.com/"
_PERSON = {"name": "Ann Baker"}
_TIER = {"en": "Gold", "zh_Hans": "金卡", "zh_Hant": "金卡"}

SAMPLES: dict[str, dict[str, Any]] = {
    "signin_code": {**_PERSON, "code": "492 817", "url": LINK, "minutes": 10},
    "reset": {**_PERSON, "url": LINK, "minutes": 60},
    "invitation": {"invited_by": "Grace Hopper", "url": LINK, "days": 7},
    "partner_invitation": {**_PERSON, "partner": "Northern Trading Ltd", "url": LINK},
    "welcome": {
        **_PERSON,
        "number": "10001234",
        "points": 120,
        "next_tier": _TIER,
        "next_from_minor": 50_000,
        "window_months": 12,
    },
    "tier_up": {
        **_PERSON,
        "tier": _TIER,
        "since_on": "2026-03-12",
        "review_on": "2027-03-12",
        "spend_minor": 61_250,
        "from_minor": 50_000,
        "window_months": 12,
        "points": 612,
    },
}
