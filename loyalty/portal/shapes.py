"""What the portal's pages need, put together from rows: months, charts, sentences. No database."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from babel.dates import format_skeleton
from flask_babel import gettext as _

from loyalty.days import add_months, end_of_month
from loyalty.portal.history import Bought, LooseReturn
from loyalty.portal.queries import Lapse, Move
from loyalty.tiers.rules import Policy, SpendFact
from tenants.formats import day, local_day, money, number_locale

MONTHS_SHOWN = 24


def month_name(first: date) -> str:
    """A month with its year in the reader's words."""
    return str(format_skeleton("yMMMM", first, locale=number_locale()))


@dataclass(frozen=True)
class Month:
    """A month of a member's history. `total_minor` is None where only a part of it is shown."""

    label: str
    total_minor: int | None
    entries: tuple[Bought | LooseReturn, ...]


def by_month(bought: Sequence[Bought], loose: Sequence[LooseReturn], *, more: bool) -> list[Month]:
    """Purchases and loose returns by month of the tenant's zone, newest first; `more` if older ones follow."""
    months: dict[date, list[Bought | LooseReturn]] = {}
    everything: list[Bought | LooseReturn] = [*bought, *loose]
    for entry in sorted(everything, key=lambda one: one.occurred_at, reverse=True):
        months.setdefault(local_day(entry.occurred_at).replace(day=1), []).append(entry)
    shown = []
    for first, entries in months.items():
        partial = more and first == min(months)
        total = sum(e.total_minor - e.returned if isinstance(e, Bought) else -e.total_minor for e in entries)
        shown.append(Month(month_name(first), None if partial else total, tuple(entries)))
    return shown


@dataclass(frozen=True)
class Counting:
    """What one month adds to the tier. Money in minor units; `until` is the last day any of it counts."""

    label: str
    net_minor: int
    returned_minor: int
    days: int
    until: date


def counting(facts: Sequence[SpendFact], policy: Policy, *, today: date) -> list[Counting]:
    """The spend in today's window by month, the oldest first: it is the first to drop out."""
    opens = policy.window_opens_after(today)
    months: dict[date, list[SpendFact]] = {}
    for fact in facts:
        if opens < fact.day <= today and fact.counted_on <= today:
            months.setdefault(fact.day.replace(day=1), []).append(fact)
    return [
        Counting(
            label=month_name(first),
            net_minor=sum(f.amount_minor for f in own),
            returned_minor=-sum(f.amount_minor for f in own if f.amount_minor < 0),
            days=len({f.day for f in own if f.amount_minor > 0}),
            until=add_months(max(f.day for f in own), policy.window_months) - timedelta(days=1),
        )
        for first, own in sorted(months.items())
    ]


def dropped(facts: Sequence[SpendFact], policy: Policy, *, today: date) -> int:
    """Spend that counted once and has left the window, in minor units."""
    opens = policy.window_opens_after(today)
    return sum(f.amount_minor for f in facts if f.day <= opens and f.counted_on <= today)


def lapse_chart(lapses: Sequence[Lapse], *, today: date) -> dict[str, Any] | None:
    """Points by the month in which they lapse, without gaps; None when nothing will."""
    dated = [lapse for lapse in lapses if lapse.day is not None]
    if not dated:
        return None
    sums: dict[date, int] = {}
    for lapse in dated:
        first = lapse.day.replace(day=1)  # type: ignore[union-attr]  # filtered above
        sums[first] = sums.get(first, 0) + lapse.points
    months: list[date] = []
    at = min(today.replace(day=1), *sums)
    while at <= max(sums) and len(months) < MONTHS_SHOWN:
        months.append(at)
        at = end_of_month(at) + timedelta(days=1)
    labels = [str(format_skeleton("yMMM", month, locale=number_locale())) for month in months]
    values = [sums.get(month, 0) for month in months]
    return {"x": labels, "time": False, "series": [{"label": _("Points"), "values": values, "kind": "bar"}], "unit": ""}


def move_sentence(move: Move) -> str:
    """Why a tier changed, from the evidence recorded with the change."""
    facts: Mapping[str, Any] = move.evidence
    spent, needed = int(facts.get("spend_minor", 0)), int(facts.get("needed_minor", 0))
    if move.up:
        return _("%(spent)s in the window, %(needed)s needed.", spent=money(spent), needed=money(needed))
    gone = int(facts.get("left_window_minor", 0))
    if gone > 0:
        return _(
            "At the review there were %(spent)s in the window, %(needed)s needed; %(gone)s had dropped out.",
            spent=money(spent),
            needed=money(needed),
            gone=money(gone),
        )
    return _(
        "At the review there were %(spent)s in the window, %(needed)s needed.", spent=money(spent), needed=money(needed)
    )


_BROWSERS = (
    ("Edg/", "Edge"),
    ("MicroMessenger", "WeChat"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)


def device_name(agent: str | None) -> str:
    """A browser and its system as people call them, from the User-Agent."""
    text = agent or ""
    browser = next((name for sign, name in _BROWSERS if sign in text), None)
    system = next((name for sign, name in _SYSTEMS if sign in text), None)
    if browser and system:
        return _("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or re.split(r"[/ ]", text)[0] or _("Unknown device")


def until_sentence(last_day: date | None) -> str:
    """How long points last, for a line."""
    return _("valid to the end of %(day)s", day=day(last_day)) if last_day else _("without end")
