"""The member programme's tiles, chart and first steps. Registered when imported."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from loyalty.start import queries
from tenants.access import may
from tenants.delivery import queries as delivery
from tenants.delivery.labels import REASONS
from tenants.formats import day as say_day
from tenants.formats import money, money_short, number, points, start_of_day
from tenants.info import tenant_info
from tenants.start.board import Board, Chart, Figure, Panel, Step, Tile, register
from tenants.ui import url_or_empty

CHART_DAYS = 30


def _a_year_ago(text: str) -> str:
    return _("last year %(figure)s", figure=text)


def _money_tile(label: str, figure: Figure, *, icon: str, url: str) -> Tile:
    return Tile(label, money_short(figure.now), _a_year_ago(money_short(figure.year)), url, icon, figure.delta)


def _count_tile(label: str, figure: Figure, *, icon: str, url: str) -> Tile:
    return Tile(label, points(figure.now), _a_year_ago(points(figure.year)), url, icon, figure.delta)


def _words(name: str, day: date, more: dict[str, str]) -> dict[str, Any]:
    return {f"{name}_from": day.isoformat(), f"{name}_to": day.isoformat(), **more}


def _of_day(endpoint: str, name: str, day: date, **more: str) -> str:
    """The list behind a tile, narrowed to the day."""
    return url_for(endpoint, **_words(name, day, more))


def _tiles(day: date) -> list[Tile]:
    members, others, given = queries.sales(day)
    up, down = queries.tier_moves(day)
    held = queries.liability()
    lists = may("purchases.view")
    bought = _of_day("purchases.index", "occurred_at", day) if lists else ""
    cost = money(held.cost_minor) if held.cost_minor else ""
    holders = ngettext(
        "held by %(count)s member", "held by %(count)s members", held.members, count=number(held.members)
    )
    tiles = [
        _money_tile(_("Sales to members"), members, icon="users", url=bought and f"{bought}&who=member"),
        _money_tile(_("Sales to others"), others, icon="shopping-bag", url=bought and f"{bought}&who=other"),
        _count_tile(
            _("Points given"), given, icon="coins", url=_of_day("points.index", "occurred_at", day, kind="award")
        ),
        Tile(_("Points outstanding"), points(held.points), cost or holders, url_for("points.index"), "scale"),
        _count_tile(
            _("New members"), queries.new_members(day), icon="user-plus", url=_of_day("members.index", "joined_at", day)
        ),
    ]
    if may("programme.view"):
        url = _of_day("tiers.changes", "on_day", day)
        hint = _("%(up)s up, %(down)s down", up=number(up.now), down=number(down.now))
        tiles.append(Tile(_("Tier moves"), number(up.now + down.now), hint, url, "stairs-up"))
    return tiles


def _chart(day: date) -> Chart:
    rows = queries.sales_by_day(day, days=CHART_DAYS)
    exponent = 10 ** (0 if tenant_info().currency == "JPY" else 2)
    data = {
        "x": [say_day(one) for one, _sales in rows],
        "time": False,
        "series": [
            {"label": _("Members"), "values": [s.members // exponent for _one, s in rows], "kind": "line"},
            {"label": _("Others"), "values": [s.others // exponent for _one, s in rows], "kind": "line"},
        ],
        "unit": tenant_info().currency,
    }
    return Chart("sales", _("Sales in the last 30 days, in %(currency)s", currency=tenant_info().currency), data)


def _held_back(day: date) -> list[Panel]:
    if not may("messages.view"):
        return []
    found = delivery.held_back(since=start_of_day(day - timedelta(days=6)))
    rows = [
        (REASONS.get(why, why), number(n), url_or_empty("delivery.index", state="not_sent", reason=why))
        for why, n in found.items()
    ]
    return [Panel(_("Messages held back in the last 7 days"), _("Each has its reason."), rows)] if rows else []


def _steps(begun: queries.Beginnings) -> list[Step]:
    return [
        Step(
            _("Set the earning rule"),
            _("How many points a purchase gives, and how long they last."),
            begun.programme,
            url_or_empty("points.programme"),
            _("Open the programme"),
        ),
        Step(
            _("Bring in your members"),
            _("A file of names, numbers and addresses, or one by one."),
            begun.members,
            url_or_empty("imports.index"),
            _("Import a file"),
        ),
        Step(
            _("Bring in what they bought"),
            _("A file of purchases awards the points in date order. Or ring up the first one at the till."),
            begun.purchases,
            url_or_empty("imports.index"),
            _("Import a file"),
        ),
        Step(
            _("Or look around first"),
            _("A made-up year of sales goes through the real import, and one click takes it back."),
            begun.purchases,
            url_or_empty("samples.sales"),
            _("Try with sample data"),
            post=True,
        ),
    ]


def make(day: date) -> Board:
    """The board of the member programme for a day."""
    begun = queries.beginnings()
    steps = _steps(begun) if may("imports.run") and not begun.purchases else []
    if not (begun.members or begun.purchases):
        return Board(steps=steps, empty=True)
    return Board(tiles=_tiles(day), charts=[_chart(day)], steps=steps, panels=_held_back(day))


register("loyalty", order=10, needs="members.view", make=make)
