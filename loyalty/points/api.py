"""The JSON door of points."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from loyalty.api_fields import KEY_HEADER, ProblemOut, answer, request_key
from loyalty.points.api_schemas import AwardIn, AwardOut, AwardsIn, AwardsOut, award_body, award_doc
from loyalty.points.services import award, award_many
from tenants.access import scoped

bp = Blueprint("api_points", __name__, url_prefix="/api/v1", description="Bare awards of points")
bp.face = "api"


@bp.post("/awards")
@bp.arguments(AwardIn())
@bp.doc(parameters=[KEY_HEADER])
@bp.response(201, AwardOut)
@bp.alt_response(200, schema=AwardOut, description="Awarded before: the first answer again")
@bp.alt_response(404, schema=ProblemOut, description="unknown_member")
@bp.alt_response(409, schema=ProblemOut, description="event_differs, idempotency_key_reused")
@scoped("points:write")
def create_award(data: dict[str, Any]) -> Response:
    """Award points to a member."""
    key, body = request_key()
    awarded = award(award_doc(data), source=data["source"], key=key, body=body)
    return answer(award_body(awarded, data["external_id"]), status=201 if awarded.status == "new" else 200)


@bp.post("/awards/batch")
@bp.arguments(AwardsIn())
@bp.doc(parameters=[KEY_HEADER])
@bp.response(200, AwardsOut)
@bp.alt_response(409, schema=ProblemOut, description="idempotency_key_reused")
@scoped("points:write")
def create_awards(data: dict[str, Any]) -> Response:
    """Award points to up to 1000 members; each has its own answer, in order."""
    key, body = request_key()
    docs = [award_doc(each) for each in data["awards"]]
    found = award_many(docs, source=data["source"], key=key, body=body)
    return answer({"results": [award_body(a, doc.external_id) for a, doc in zip(found, docs, strict=True)]})
