"""One time line of a member: purchases, returns, points, tiers and messages in the order they happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from loyalty.points.models import Entry
from loyalty.portal.history import Bought, LooseReturn
from loyalty.portal.queries import Move
from loyalty.portal.shapes import move_sentence
from tenants.access import may
from tenants.delivery.models import Message
from tenants.formats import money, points, start_of_day


@dataclass(frozen=True)
class Item:
    """One thing that happened, as ui.timeline() shows it."""

    at: datetime
    title: str
    text: str = ""
    icon: str = "point"
    colour: str = "secondary"
    url: str = ""


def purchase_item(bought: Bought) -> Item:
    """A purchase."""
    earned = _("%(points)s points", points=points(bought.earned)) if bought.earned else _("no points")
    title = _("Bought for %(amount)s, %(earned)s", amount=money(bought.total_minor, bought.currency), earned=earned)
    url = url_for("purchases.show", purchase_id=bought.id) if may("purchases.view") else ""
    return Item(bought.occurred_at, title, bought.title, "shopping-bag", "green", url)


def loose_item(back: LooseReturn) -> Item:
    """A return without a known purchase."""
    title = _("Returned for %(amount)s, purchase not known", amount=money(back.total_minor, back.currency))
    return Item(back.occurred_at, title, back.title, "receipt-refund", "orange")


def entry_item(entry: Entry) -> Item | None:
    """A movement of points that no purchase line tells already."""
    count = points(abs(entry.points))
    match entry.kind:
        case "expiry":
            return Item(entry.value_at, _("%(points)s points lapsed", points=count), "", "hourglass", "orange")
        case "reversal":
            title = _("%(points)s points taken back for a return", points=count)
            return Item(entry.occurred_at, title, entry.note or "", "arrow-back-up", "orange")
        case "award" if entry.source != "@purchase":
            return Item(
                entry.occurred_at, _("%(points)s points awarded", points=count), entry.note or "", "coins", "green"
            )
        case "restore" | "burn" | "adjust":
            sign = "+" if entry.points > 0 else "−"
            title = _("Points corrected: %(sign)s%(points)s", sign=sign, points=count)
            return Item(entry.occurred_at, title, entry.note or "", "coins")
    return None


def move_item(move: Move) -> Item:
    """A change of tier with its reason."""
    title = _("%(from)s to %(to)s", **{"from": move.from_name, "to": move.to_name})
    return Item(
        start_of_day(move.on_day), title, move_sentence(move), "trending-up" if move.up else "trending-down", "blue"
    )


def message_item(message: Message, *, reasons: Mapping[str, Any]) -> Item:
    """A message, sent or held back."""
    if message.state == "not_sent":
        title = _("Not written to: %(reason)s", reason=reasons.get(message.reason or "", message.reason))
        return Item(message.created_at, title, message.template, "mail", "yellow")
    return Item(message.created_at, message.subject or message.template, message.recipient or "", "mail")


def timeline(items: Sequence[Item | None], *, limit: int = 60) -> list[Item]:
    """What there is, the newest first."""
    return sorted((item for item in items if item), key=lambda item: item.at, reverse=True)[:limit]
