"""The JSON door of members."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask_smorest import Blueprint

from loyalty.api_fields import ProblemOut
from loyalty.members import queries
from loyalty.members.api_schemas import EntriesOut, LotsOut, MemberIn, MemberOut, MembersOut, PageIn
from loyalty.members.services import create_member
from loyalty.points.queries import balance, movements, open_lots
from tenants.access import scoped

bp = Blueprint("api_members", __name__, url_prefix="/api/v1/members", description="Members and their points")
bp.face = "api"


@bp.get("")
@bp.arguments(PageIn(), location="query")
@bp.response(200, MembersOut)
@scoped("members:read")
def list_members(page: dict[str, Any]) -> dict[str, Any]:
    """Members in order of creation."""
    found = queries.members_page(after=page["cursor"], limit=page["limit"])
    return {"members": found, "next": found[-1].id if len(found) == page["limit"] else None}


@bp.post("")
@bp.arguments(MemberIn())
@bp.response(201, MemberOut)
@bp.alt_response(409, schema=ProblemOut, description="number_taken")
@scoped("members:write")
def join(data: dict[str, Any]) -> Any:
    """Join a member; card and point account come with it."""
    return queries.member_row(create_member(**data).id)


@bp.get("/<string:number>")
@bp.response(200, MemberOut)
@bp.alt_response(404, schema=ProblemOut, description="unknown_member")
@scoped("members:read")
def show_member(number: str) -> Any:
    """One member, by customer number or card number."""
    return queries.member_row(queries.member_by(number).id)


@bp.get("/<string:number>/lots")
@bp.response(200, LotsOut)
@bp.alt_response(404, schema=ProblemOut, description="unknown_member")
@scoped("members:read")
def show_lots(number: str) -> dict[str, Any]:
    """What a member may spend now, lot by lot."""
    member, now = queries.member_by(number), datetime.now(UTC)
    held = balance(member.id, now=now)
    return {"balance": held.balance, "spendable": held.spendable, "lots": open_lots(member.id, now=now)}


@bp.get("/<string:number>/entries")
@bp.arguments(PageIn(), location="query")
@bp.response(200, EntriesOut)
@bp.alt_response(404, schema=ProblemOut, description="unknown_member")
@scoped("members:read")
def show_entries(page: dict[str, Any], number: str) -> dict[str, Any]:
    """A member's movements, the latest booked first."""
    found = movements(queries.member_by(number).id, limit=page["limit"], before=page["cursor"])
    return {"entries": found, "next": found[-1].id if len(found) == page["limit"] else None}
