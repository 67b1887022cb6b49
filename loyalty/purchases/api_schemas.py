"""Purchases and refunds as JSON. Amounts are decimal text in major units of the tenant's currency."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from marshmallow import Schema, fields, validate

from loyalty.api_fields import EXTERNAL_ID, SOURCE, Exact, Input, Instant, minor, product_minor
from loyalty.points.services import exponent_of
from loyalty.purchases.documents import Line, Outcome, PurchaseDoc, RefundDoc, ReturnedLine
from tenants.errors import Malformed

MOST = 500
LINES = validate.Length(min=1, max=500)
WIDE = validate.Range(min=-10_000_000_000, max=10_000_000_000)
POSITIVE = validate.Range(min=0, max=10_000_000_000)


class LineIn(Input):
    """One line: an amount after discount, or quantity and unit price, whose product is rounded half up."""

    sku = fields.String(required=True, validate=validate.Length(min=1, max=200))
    description = fields.String(load_default="", validate=validate.Length(max=500))
    quantity = Exact(load_default=None, validate=WIDE)
    unit_price = Exact(load_default=None, validate=WIDE)
    amount = Exact(load_default=None, validate=WIDE)


class DocumentIn(Input):
    """What names a document: (source, external_id), once for ever."""

    source = fields.String(load_default="api", validate=SOURCE)
    external_id = fields.String(required=True, validate=EXTERNAL_ID)
    member = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=100),
        metadata={"description": "Customer number or card number; none for a sale to somebody unknown."},
    )
    occurred_at = Instant(load_default=None, metadata={"description": "Default: now."})
    place = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=200))


class PurchaseIn(DocumentIn):
    """A purchase."""

    currency = fields.String(load_default=None, validate=validate.Length(equal=3))
    total = Exact(load_default=None, metadata={"description": "Checked against the lines when given."})
    lines = fields.List(fields.Nested(LineIn), required=True, validate=LINES)


class PurchasesIn(Input):
    """A batch of purchases."""

    purchases = fields.List(fields.Nested(PurchaseIn), required=True, validate=validate.Length(min=1, max=MOST))


class OriginalIn(Input):
    """The purchase that is returned."""

    source = fields.String(load_default=None, validate=SOURCE)
    external_id = fields.String(required=True, validate=EXTERNAL_ID)


class ReturnedLineIn(Input):
    """One returned line in positive figures; without a quantity it is returned by amount."""

    sku = fields.String(required=True, validate=validate.Length(min=1, max=200))
    description = fields.String(load_default="", validate=validate.Length(max=500))
    quantity = Exact(load_default=None, validate=POSITIVE)
    amount = Exact(required=True, validate=POSITIVE)


class RefundIn(DocumentIn):
    """A return or cancellation. Without lines all that is left of the original comes back."""

    original = fields.Nested(OriginalIn, load_default=None, allow_none=True)
    lines = fields.List(fields.Nested(ReturnedLineIn), load_default=None, allow_none=True, validate=LINES)


class OutcomeOut(Schema):
    """What became of a document."""

    status = fields.String(validate=validate.OneOf(["new", "unchanged", "event_differs", "unknown_member"]))
    id = fields.UUID(allow_none=True)
    external_id = fields.String()
    member_id = fields.UUID(allow_none=True)
    points = fields.Integer()
    balance = fields.Integer(allow_none=True)
    tier_rank = fields.Integer(allow_none=True)


class OutcomesOut(Schema):
    """What became of a batch, in its order."""

    results = fields.List(fields.Nested(OutcomeOut))


class RefundOut(OutcomeOut):
    """What became of a refund: `points` were taken back, `unmatched` lines found no original."""

    unmatched = fields.Integer()


def purchase_doc(data: dict[str, Any], currency: str) -> PurchaseDoc:
    """The document that the services take. Raises Malformed for amounts that do not fit."""
    exponent = exponent_of(currency)
    lines = [_line(line, exponent=exponent) for line in data["lines"]]
    total = data["total"]
    if total is not None and minor(total, exponent=exponent, field="total") != sum(x.amount_minor for x in lines):
        raise Malformed({"total": [_l("The total is not the sum of the lines.")]})
    return PurchaseDoc(
        data["external_id"],
        lines,
        member=data["member"],
        occurred_at=data["occurred_at"],
        currency=data["currency"],
        place=data["place"],
        source=data["source"],
    )


def _line(line: dict[str, Any], *, exponent: int) -> Line:
    quantity, price, amount = line["quantity"], line["unit_price"], line["amount"]
    if amount is not None:
        value = minor(amount, exponent=exponent, field="amount")
    elif quantity is not None and price is not None:
        value = product_minor(quantity, price, exponent=exponent)
    else:
        raise Malformed({"amount": [_l("Send an amount, or quantity and unit_price.")]})
    return Line(line["sku"], value, quantity, price, line["description"])


def refund_doc(data: dict[str, Any], currency: str) -> RefundDoc:
    """The document that the services take. Raises Malformed."""
    original, lines = data["original"], data["lines"]
    if lines is None and original is None:
        raise Malformed({"lines": [_l("Send lines, or the original whose rest comes back.")]})
    exponent = exponent_of(currency)
    returned = None if lines is None else [_returned(line, exponent=exponent) for line in lines]
    named = (original["source"] or data["source"], original["external_id"]) if original else None
    return RefundDoc(
        data["external_id"],
        data["occurred_at"],
        returned,
        original=named,
        member=data["member"],
        place=data["place"],
        source=data["source"],
    )


def _returned(line: dict[str, Any], *, exponent: int) -> ReturnedLine:
    value = minor(line["amount"], exponent=exponent, field="amount")
    return ReturnedLine(line["sku"], value, line["quantity"], line["description"])


def outcome_body(outcome: Outcome, external_id: str) -> dict[str, Any]:
    """An outcome as JSON values."""
    return {
        "status": outcome.status,
        "id": str(outcome.id) if outcome.id else None,
        "external_id": external_id,
        "member_id": str(outcome.member_id) if outcome.member_id else None,
        "points": outcome.points,
        "balance": outcome.balance,
        "tier_rank": outcome.tier_rank,
    }
