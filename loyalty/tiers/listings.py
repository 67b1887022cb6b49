"""The list of tier changes."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, or_, select

from loyalty.members.listings import kept_ladder
from loyalty.members.models import Member
from loyalty.portal.queries import Move
from loyalty.portal.shapes import move_sentence
from loyalty.tiers.models import TierChange
from tenants.listing import Choice, Column, DateRange, Empty, Listing

LAST = "\uffff"
WAYS = [("up", _l("Up")), ("down", _l("Down"))]


def changes() -> Select[Any]:
    """Changes that stand, with the member, one row each."""
    return (
        select(
            TierChange.id,
            TierChange.member_id,
            TierChange.on_day,
            TierChange.from_rank,
            TierChange.to_rank,
            TierChange.reason,
            TierChange.evidence,
            Member.name.label("member_name"),
            Member.number.label("member_number"),
        )
        .join(Member, Member.id == TierChange.member_id)
        .where(TierChange.superseded_at.is_(None))
    )


def find_changes(statement: Select[Any], text: str) -> Select[Any]:
    """Narrow to a member's number or name, by their beginning."""
    low = text.lower()
    return statement.where(or_(Member.number.between(text, text + LAST), Member.sort_key.between(low, low + LAST)))


def _way(statement: Select[Any], value: str) -> Select[Any]:
    up = TierChange.to_rank > TierChange.from_rank
    return statement.where(up if value == "up" else ~up)


def _name(rank: int) -> str:
    known = kept_ladder()
    return known.name(rank) if known else str(rank)


def _why(row: Any) -> str:
    up = row.to_rank > row.from_rank
    return move_sentence(Move(row.on_day, _name(row.from_rank), _name(row.to_rank), up, row.reason, row.evidence))


CHANGES = Listing(
    "changes",
    columns=[
        Column("member", _l("Member"), value=lambda row: row.member_name or row.member_number),
        Column("on_day", _l("Day"), sort=TierChange.on_day, format="day"),
        Column("direction", _l("Direction"), cell="tiers/_cells.html#direction", export=False),
        Column("from_rank", _l("From"), value=lambda row: _name(row.from_rank)),
        Column("to_rank", _l("To"), value=lambda row: _name(row.to_rank)),
        Column("why", _l("Why"), value=_why),
    ],
    key=TierChange.id,
    sort="-on_day",
    search=find_changes,
    search_hint=_l("Member number or name"),
    filters=[
        Choice("way", _l("Direction"), options=WAYS, where=_way),
        DateRange("on_day", _l("Day"), TierChange.on_day),
    ],
    link=lambda row: url_for("members.show", member_id=row.member_id),
    empty=Empty(
        _l("No changes yet"), _l("The first member who reaches a tier stands here, with the reason."), icon="stairs-up"
    ),
    export_needs="members.export",
)
