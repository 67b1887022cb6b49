"""Bare awards as JSON."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from loyalty.api_fields import EXTERNAL_ID, SOURCE, Input, Instant
from loyalty.points.services import AwardDoc, Awarded

MOST = 1000


class AwardRowIn(Input):
    """Points for a member under a business event, once for ever."""

    external_id = fields.String(required=True, validate=EXTERNAL_ID)
    member = fields.String(
        required=True,
        validate=validate.Length(min=1, max=100),
        metadata={"description": "Customer number or card number."},
    )
    points = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=1_000_000_000))
    occurred_at = Instant(load_default=None, metadata={"description": "Default: now."})
    note = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=200))


class AwardIn(AwardRowIn):
    """An award with the source of its event."""

    source = fields.String(load_default="api", validate=SOURCE)


class AwardsIn(Input):
    """A batch of awards under one source."""

    source = fields.String(load_default="api", validate=SOURCE)
    awards = fields.List(fields.Nested(AwardRowIn), required=True, validate=validate.Length(min=1, max=MOST))


class AwardOut(Schema):
    """What became of an award."""

    status = fields.String(validate=validate.OneOf(["new", "unchanged", "event_differs", "unknown_member"]))
    id = fields.UUID(allow_none=True)
    external_id = fields.String()
    points = fields.Integer(allow_none=True)
    balance = fields.Integer(allow_none=True)
    last_day = fields.Date(allow_none=True)


class AwardsOut(Schema):
    """What became of a batch, in its order."""

    results = fields.List(fields.Nested(AwardOut))


def award_doc(data: dict[str, Any]) -> AwardDoc:
    """The document that the services take."""
    return AwardDoc(data["member"], data["points"], data["external_id"], data["occurred_at"], data["note"])


def award_body(awarded: Awarded, external_id: str) -> dict[str, Any]:
    """An answer as JSON values."""
    return {
        "status": awarded.status,
        "id": str(awarded.entry_id) if awarded.entry_id else None,
        "external_id": external_id,
        "points": awarded.points,
        "balance": awarded.balance,
        "last_day": awarded.last_day.isoformat() if awarded.last_day else None,
    }
