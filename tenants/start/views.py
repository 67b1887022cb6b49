"""The door of the start page."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Blueprint, Response, request

from tenants.access import may, requires
from tenants.formats import local_day
from tenants.start.board import boards
from tenants.web import page

bp = Blueprint("start", __name__, url_prefix="/admin")
bp.face = "admin"  # type: ignore[attr-defined]


def _day() -> date:
    try:
        asked = date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        return local_day()
    return min(asked, local_day())


@bp.get("/", strict_slashes=False)
@requires("start.view")
def index() -> Response:
    """A day against the same day last week and last year; on the first day, what to do."""
    day, today = _day(), local_day()
    shown = boards(day, may=may)
    first_day = bool(shown) and all(board.empty for board in shown)
    # A side that was never begun may not be wanted here: its steps are for the first day only.
    steps = [step for board in shown if first_day or not board.empty for step in board.steps]
    following = day + timedelta(days=1) if day < today else None
    return page(
        "start/index.html",
        day=day,
        today=today,
        before=day - timedelta(days=1),
        following=following,
        boards=shown,
        steps=steps if any(not step.done for step in steps) else [],
        first_day=first_day,
    )
