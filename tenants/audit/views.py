"""The audit log: everything that was recorded, by whom, with search, filters and export."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, url_for
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select

from tenants.access import requires
from tenants.audit import queries, words
from tenants.errors import NotFound
from tenants.events import Event
from tenants.listing import Choice, Column, DateRange, Empty, Listing
from tenants.web import page

bp = Blueprint("audit", __name__, url_prefix="/admin/audit")
bp.face = "admin"  # type: ignore[attr-defined]

WHO = ["staff", "member", "partner", "key", "operator", "system"]


def _by_group(statement: Select[Any], value: str) -> Select[Any]:
    return statement.where(Event.kind >= f"{value}.", Event.kind < f"{value}/")


def _by_actor(statement: Select[Any], value: str) -> Select[Any]:
    return statement.where(Event.actor >= value, Event.actor < f"{value};")


def _groups() -> list[tuple[str, str]]:
    return [(group, words.group_said(group)) for group in queries.groups()]


def who(event: Event) -> str:
    """Who acted, in words."""
    if "staff_names" not in g:
        g.staff_names = _Names()
    name = g.staff_names[event.actor]
    return words.actor_said(event.actor, {event.actor: name} if name else {})


class _Names(dict[str, str]):
    """Reads a name when it is first asked for: a page has few actors."""

    def __missing__(self, ref: str) -> str:
        self[ref] = queries.staff_names([ref]).get(ref, "")
        return self[ref]


AUDIT = Listing(
    "audit",
    columns=[
        Column(
            "recorded_at",
            _l("When"),
            cell="audit/_cells.html#at",
            sort=Event.id,
            csv=lambda row: row.recorded_at.isoformat(),
        ),
        Column("who", _l("Who"), value=who),
        Column("what", _l("What"), value=lambda row: words.said(row.kind)),
        Column("kind", _l("Kind"), value=lambda row: row.kind),
        Column(
            "figures",
            _l("Figures"),
            cell="audit/_cells.html#figures",
            csv=lambda row: json.dumps(row.payload, ensure_ascii=False),
        ),
    ],
    key=Event.id,
    sort="-recorded_at",
    search=queries.narrowed,
    search_hint=_l("Kind such as staff.roles, or an id"),
    filters=[
        Choice("group", _l("About"), options=_groups, where=_by_group),
        Choice("actor", _l("By"), options=[(one, words.ACTORS[one]) for one in WHO], where=_by_actor),
        DateRange("on", _l("On"), Event.recorded_at),
    ],
    link=lambda row: url_for("audit.show", event_id=row.id),
    empty=Empty(_l("Nothing has happened yet")),
)


@bp.get("/")
@requires("audit.view")
def index() -> Response:
    """Everything that was recorded, newest first."""
    return AUDIT.respond(queries.events(), "audit/index.html")


@bp.get("/<uuid:event_id>")
@requires("audit.view")
def show(event_id: UUID) -> Response:
    """One event with all its figures."""
    event = queries.event(event_id)
    if event is None:
        raise NotFound
    return page(
        "audit/show.html",
        event=event,
        who=who(event),
        what=words.said(event.kind),
        figures=words.figures(event.payload),
    )
