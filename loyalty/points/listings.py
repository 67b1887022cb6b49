"""The list of the points ledger."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, or_, select

from loyalty.members.models import Member
from loyalty.points.models import Entry
from tenants.listing import Choice, Column, DateRange, Empty, Listing

LAST = "\uffff"
KINDS: dict[str, Any] = {
    "award": _l("Award"),
    "reversal": _l("Taken back"),
    "expiry": _l("Lapsed"),
    "restore": _l("Given back"),
    "burn": _l("Spent"),
    "adjust": _l("Corrected"),
}


def entries() -> Select[Any]:
    """Every movement of points with its member, one row each."""
    columns: tuple[Any, ...] = (
        Entry.id,
        Entry.kind,
        Entry.points,
        Entry.balance_after,
        Entry.occurred_at,
        Entry.booked_at,
        Entry.value_at,
        Entry.note,
        Entry.member_id,
        Member.name.label("member_name"),
        Member.number.label("member_number"),
    )
    return select(*columns).join(Member, Member.id == Entry.member_id)


def find_entries(statement: Select[Any], text: str) -> Select[Any]:
    """Narrow to a member's number or name, or an external id, by their beginning."""
    low = text.lower()
    return statement.where(
        or_(
            Member.number.between(text, text + LAST),
            Member.sort_key.between(low, low + LAST),
            Entry.external_id.between(text, text + LAST),
        )
    )


LEDGER = Listing(
    "entries",
    columns=[
        Column("member", _l("Member"), value=lambda row: row.member_name or row.member_number),
        # Ids are made in the order of time, and the primary key serves them without a sort.
        Column("booked_at", _l("Booked"), sort=Entry.id, format="moment"),
        Column("kind", _l("Kind"), value=lambda row: KINDS[row.kind], csv=lambda row: row.kind),
        Column("occurred_at", _l("Happened"), format="moment"),
        Column("points", _l("Points"), format="points"),
        Column("balance_after", _l("Balance after"), format="points"),
        Column("note", _l("Note")),
    ],
    key=Entry.id,
    sort="-booked_at",
    search=find_entries,
    search_hint=_l("Member number or name"),
    filters=[
        Choice("kind", _l("Kind"), Entry.kind, list(KINDS.items())),
        DateRange("occurred_at", _l("Happened"), Entry.occurred_at),
    ],
    link=lambda row: url_for("members.points", member_id=row.member_id),
    empty=Empty(_l("No points yet"), _l("The first purchase of a member makes the first award."), icon="coins"),
    export_needs="members.export",
)
