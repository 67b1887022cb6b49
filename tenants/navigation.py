"""The menus of all faces, as one list. An item without a route or without permission does not show."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l


@dataclass(frozen=True, eq=False)  # compared by identity: equality would translate the labels
class Item:
    """One entry: `endpoint` is its first page. It is active on the pages of its blueprint, or on those in `also`."""

    label: Any
    endpoint: str
    icon: str
    needs: str | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """A run of items under a heading, or without one."""

    label: Any
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Entry:
    """An item as one person sees it now."""

    label: Any
    url: str
    icon: str
    active: bool


@dataclass(frozen=True)
class EntryGroup:
    """A group as one person sees it now."""

    label: Any
    entries: tuple[Entry, ...]


MENUS: dict[str, tuple[Group, ...]] = {
    "admin": (
        Group(None, (Item(_l("Start"), "start.index", "layout-dashboard", "start.view"),)),
        Group(
            _l("Members"),
            (
                Item(_l("Members"), "members.index", "users", "members.view"),
                Item(_l("Purchases"), "purchases.index", "shopping-bag", "purchases.view"),
                Item(_l("Points"), "points.index", "coins", "points.view"),
                Item(_l("Tiers"), "tiers.index", "stairs-up", "programme.view"),
                Item(
                    _l("Programme"),
                    "points.programme",
                    "settings",
                    "programme.view",
                    also=("points.edit", "points.publish"),
                ),
                Item(_l("Messages"), "delivery.index", "mail", "messages.view"),
            ),
        ),
        Group(_l("Channel"), (Item(_l("Partners"), "partners.index", "truck-delivery", "partners.view"),)),
        Group(
            _l("Data"),
            (
                Item(_l("Products"), "catalogue.index", "box", "catalogue.view"),
                Item(_l("Imports"), "imports.index", "file-import", "imports.view"),
            ),
        ),
        Group(
            _l("Organisation"),
            (
                Item(_l("Staff"), "staff.index", "user-check", "staff.view"),
                Item(_l("Branding"), "branding.index", "palette", "branding.edit"),
                Item(_l("Settings"), "settings.index", "settings", "settings.edit"),
                Item(_l("API keys"), "keys.index", "key", "keys.edit"),
                Item(_l("Audit log"), "audit.index", "history", "audit.view"),
                Item(_l("Health"), "health.index", "heartbeat", "health.view"),
            ),
        ),
    ),
    "portal": (
        Group(
            None,
            (
                Item(_l("Card"), "portal.home", "id-badge-2", also=("portal.code", "portal.tier")),
                Item(_l("Points"), "portal.points", "coins"),
                Item(_l("History"), "portal.history", "receipt", also=("portal.purchase",)),
                Item(_l("Me"), "portal.me", "user", also=("portal.edit",)),
            ),
        ),
    ),
    "partner": (
        Group(
            None,
            (
                Item(_l("Home"), "partner_portal.home", "home"),
                Item(_l("Notices"), "partner_portal.notices", "speakerphone"),
                Item(_l("Products"), "partner_portal.products", "box"),
                Item(_l("People"), "partner_portal.people", "users"),
            ),
        ),
    ),
    "console": (
        Group(
            None,
            (
                Item(_l("Tenants"), "console.index", "building-store"),
                Item(_l("Queues"), "console.queues", "list-check"),
                Item(_l("Health"), "console.health", "heartbeat"),
            ),
        ),
    ),
}

PERSON_LINKS: dict[str, tuple[Item, ...]] = {
    "admin": (
        Item(_l("My account"), "own.index", "user", "own.account"),
        Item(_l("Open the till"), "till.index", "shopping-cart", "till.use"),
    ),
    "console": (Item(_l("My account"), "operator_account.index", "user"),),
    "till": (Item(_l("Administration"), "start.index", "layout-dashboard", "start.view"),),
}

HOMES: dict[str, tuple[str, ...]] = {
    "admin": ("start.index",),
    "till": ("till.index",),
    "portal": ("portal.home",),
    "partner": ("partner_portal.home",),
    "console": ("console.index",),
    "platform": ("directory.welcome",),
}
SIGN_OUTS: dict[str, tuple[str, ...]] = {
    "admin": ("accounts.sign_out",),
    "till": ("till_signin.sign_out",),
    "portal": ("member_signin.sign_out",),
    "partner": ("partner_signin.sign_out",),
    "console": ("console.sign_out",),
}


def _shows(item: Item, known: Iterable[str], may: Callable[[str], bool]) -> bool:
    return item.endpoint in known and (item.needs is None or may(item.needs))


@functools.cache
def _rivals(blueprint: str) -> tuple[Item, ...]:
    """The items whose pages lie in one blueprint."""
    items = (item for groups in MENUS.values() for group in groups for item in group.items)
    return tuple(item for item in items if _blueprint(item.endpoint) == blueprint)


def _active(item: Item, at: str) -> bool:
    if _blueprint(item.endpoint) != _blueprint(at):
        return False
    rivals = _rivals(_blueprint(at))
    named = [rival for rival in rivals if at == rival.endpoint or at in rival.also]
    # Where two items share a blueprint, pages that neither names belong to its index.
    return item in (named or [rival for rival in rivals if len(rivals) == 1 or rival.endpoint.endswith(".index")])


def _entry(item: Item, url_for: Callable[[str], str], at: str) -> Entry:
    return Entry(item.label, url_for(item.endpoint), item.icon, _active(item, at))


def _blueprint(endpoint: str) -> str:
    return endpoint.partition(".")[0]


def menu(
    face: str, *, known: Mapping[str, Any], may: Callable[[str], bool], url_for: Callable[[str], str], at: str
) -> list[EntryGroup]:
    """The groups of a face's menu that this person sees; `at` is the endpoint of the present page."""
    groups = []
    for group in MENUS.get(face, ()):
        entries = tuple(_entry(item, url_for, at) for item in group.items if _shows(item, known, may))
        if entries:
            groups.append(EntryGroup(group.label, entries))
    return groups


def person_links(
    face: str, *, known: Mapping[str, Any], may: Callable[[str], bool], url_for: Callable[[str], str]
) -> list[Entry]:
    """The links of the user menu."""
    return [_entry(i, url_for, "") for i in PERSON_LINKS.get(face, ()) if _shows(i, known, may)]


def first_known(endpoints: Iterable[str], known: Mapping[str, Any]) -> str | None:
    """The first endpoint that exists, None when none does."""
    return next((endpoint for endpoint in endpoints if endpoint in known), None)
