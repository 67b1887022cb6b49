"""The list of members: found by number, card, name, pinyin, phone and e-mail."""

from __future__ import annotations

from typing import Any

from flask import g, url_for
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, or_

from loyalty.members.models import Card, Member
from loyalty.points.models import PointAccount
from loyalty.portal.queries import Ladder, ladder_or_none
from tenants.delivery import queries as delivery
from tenants.delivery.phones import channel_of, normal
from tenants.info import tenant_info
from tenants.listing import Choice, Column, DateRange, Empty, Listing

STATUSES = [("active", _l("Active")), ("blocked", _l("Blocked")), ("left", _l("Left"))]
LAST = "\uffff"


def find_members(statement: Select[Any], text: str) -> Select[Any]:
    """Narrow to members whose number or pinyin begins with the text, whose name holds it, or who have that address."""
    typed = " ".join(text.split())
    low, close = typed.lower(), typed.replace(" ", "")
    ways = [
        Member.number.between(typed, typed + LAST),
        Card.number == close,
        Member.sort_key.between(low, low + LAST),
        func.lower(Member.name).contains(low, autoescape=True),
    ]
    if low.isascii() and low.isalpha():  # "wangwei" finds 王伟, whose key is "wang wei"
        ways.append(func.replace(Member.sort_key, " ", "").startswith(low, autoescape=True))
    address = normal(channel_of(typed), typed, country=tenant_info().country)
    if address:
        ways.append(Member.id.in_(delivery.people_at(channel_of(typed), address, person_kind="member")))
    return statement.where(or_(*ways))


def kept_ladder() -> Ladder | None:
    """The ladder, read once per request; None before there is a programme."""
    if "ladder" not in g:
        g.ladder = ladder_or_none()
    found: Ladder | None = g.ladder
    return found


def tier_options() -> list[tuple[int, str]]:
    """The ranks of the ladder with their names."""
    known = kept_ladder()
    return [(level.rank, level.name) for level in known.levels] if known else []


def tier_name(row: Any) -> str:
    """The name of a row's tier, from the ladder kept for this request."""
    known = kept_ladder()
    return known.name(row.tier_rank) if known else ""


MEMBERS = Listing(
    "members",
    columns=[
        Column("name", _l("Name"), sort=Member.sort_key, cell="members/_cells.html#name", csv=lambda row: row.name),
        Column("number", _l("Number"), sort=Member.number),
        Column("tier", _l("Tier"), sort=func.coalesce(PointAccount.tier_rank, 0), value=tier_name),
        Column("balance", _l("Points"), sort=func.coalesce(PointAccount.balance, 0), format="points"),
        Column("joined_at", _l("Joined"), sort=Member.joined_at, format="day"),
        Column("status", _l("Status"), cell="members/_cells.html#status", csv=lambda row: row.status),
    ],
    key=Member.id,
    sort="-joined_at",
    search=find_members,
    search_hint=_l("Name, number, card, phone or e-mail"),
    filters=[
        Choice("tier", _l("Tier"), func.coalesce(PointAccount.tier_rank, 0), tier_options),
        Choice("status", _l("Status"), Member.status, STATUSES),
        DateRange("joined_at", _l("Joined"), Member.joined_at),
    ],
    link=lambda row: url_for("members.show", member_id=row.id),
    empty=Empty(
        _l("No members yet"),
        _l("Import a file of contacts or purchases, or add the first member by hand."),
        "imports.index",
        _l("Import a file"),
        icon="users",
    ),
    export_needs="members.export",
)
