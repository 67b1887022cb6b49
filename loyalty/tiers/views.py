"""Doors of the staff to the tiers: the ladder, who stands where, every change with its reason."""

from __future__ import annotations

from flask import Blueprint, Response
from flask_babel import gettext as _

from loyalty.points.queries import programme
from loyalty.points.services import ensure_programme
from loyalty.portal.queries import ladder
from loyalty.tiers import queries
from loyalty.tiers.listings import CHANGES, changes
from tenants.access import requires
from tenants.web import page

bp = Blueprint("tiers", __name__, url_prefix="/admin/tiers")
bp.face = "admin"  # type: ignore[attr-defined]


@bp.get("/")
@requires("programme.view")
def index() -> Response:
    """The ladder and who stands where."""
    ensure_programme()
    known = ladder()
    counts = {row.tier_rank: row.members for row in queries.members_by_rank()}
    names = [level.name for level in known.levels]
    values = [counts.get(level.rank, 0) for level in known.levels]
    return page(
        "tiers/index.html",
        policy=known.policy,
        levels=known.levels,
        counts=counts,
        total=sum(counts.values()),
        chart={
            "x": names,
            "time": False,
            "series": [{"label": _("Members"), "values": values, "kind": "bar"}],
            "unit": "",
        },
        programme=programme(),
        stale=queries.stale_count(),
    )


@bp.get("/changes", endpoint="changes")
@requires("programme.view")
def all_changes() -> Response:
    """Every change of tier that stands."""
    return CHANGES.respond(changes(), "tiers/changes.html")
