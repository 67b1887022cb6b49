"""Members, lots and movements as JSON."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from loyalty.api_fields import Input


class MemberIn(Input):
    """A new member; the number is drawn when there is none."""

    number = fields.String(load_default="", validate=validate.Length(max=100))
    name = fields.String(load_default="", validate=validate.Length(max=200))
    birthday = fields.Date(load_default=None, allow_none=True)


class PageIn(Input):
    """Cursor paging: `cursor` is the `next` of the page before."""

    cursor = fields.UUID(load_default=None)
    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=500))


class MemberOut(Schema):
    """A member with card, points and tier."""

    id = fields.UUID()
    number = fields.String()
    name = fields.String()
    birthday = fields.Date(allow_none=True)
    status = fields.String()
    joined_at = fields.AwareDateTime()
    card_number = fields.String(allow_none=True)
    balance = fields.Integer()
    tier_rank = fields.Integer()
    tier_since = fields.Date(allow_none=True)
    review_on = fields.Date(allow_none=True)


class MembersOut(Schema):
    """A page of members; `next` is None on the last one."""

    members = fields.List(fields.Nested(MemberOut))
    next = fields.UUID(allow_none=True)


class LotOut(Schema):
    """A lot with points left: `last_day` is the last valid day, None for ever."""

    id = fields.UUID()
    points = fields.Integer()
    remaining = fields.Integer()
    last_day = fields.Date(allow_none=True)
    occurred_at = fields.AwareDateTime()
    purchase_id = fields.UUID(allow_none=True)


class LotsOut(Schema):
    """What a member may spend, and the lots it comes from, first-expiring first."""

    balance = fields.Integer()
    spendable = fields.Integer()
    lots = fields.List(fields.Nested(LotOut))


class EntryOut(Schema):
    """A movement of points."""

    id = fields.UUID()
    kind = fields.String()
    points = fields.Integer()
    balance_after = fields.Integer()
    occurred_at = fields.AwareDateTime()
    booked_at = fields.AwareDateTime()
    source = fields.String()
    external_id = fields.String()
    note = fields.String(allow_none=True)


class EntriesOut(Schema):
    """A page of movements, the latest booked first."""

    entries = fields.List(fields.Nested(EntryOut))
    next = fields.UUID(allow_none=True)
