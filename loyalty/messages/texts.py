"""The messages of the member programme, for their previews."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from tenants.delivery.texts import declare

_TIER = {"en": "Gold", "zh_Hans": "金卡", "zh_Hant": "金卡"}

declare(
    "welcome",
    label=_l("Welcome"),
    hint=_l("To a new member who agreed to programme messages."),
    sample={
        "name": "Ann Baker",
        "number": "10001234",
        "points": 120,
        "next_tier": _TIER,
        "next_from_minor": 50_000,
        "window_months": 12,
    },
    contact=True,
)
declare(
    "tier_up",
    label=_l("Tier up"),
    hint=_l("To a member who reached a higher tier."),
    sample={
        "name": "Ann Baker",
        "tier": _TIER,
        "since_on": "2026-03-12",
        "review_on": "2027-03-12",
        "spend_minor": 61_250,
        "from_minor": 50_000,
        "window_months": 12,
        "points": 612,
    },
    contact=True,
)
