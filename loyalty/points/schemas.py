"""The shape of an earning rule as people type it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from marshmallow import fields, post_load, validate

from tenants.forms import FormSchema

ROUNDINGS = [("order", _l("Once, on the whole purchase")), ("line", _l("On each line"))]
ENDS = [
    ("none", _l("On the same day of the month")),
    ("month", _l("At the end of that month")),
    ("quarter", _l("At the end of that quarter")),
    ("year", _l("At the end of that year")),
]


class RuleSchema(FormSchema):
    """What a purchase earns and how long it lasts."""

    points = fields.Decimal(
        required=True,
        validate=validate.Range(min=Decimal("0.0001"), max=Decimal(1_000_000)),
        metadata={"label": _l("Points"), "inputmode": "decimal", "width": "half"},
    )
    step = fields.Decimal(
        load_default=None,
        allow_none=True,
        validate=validate.Range(min=Decimal("0.01"), max=Decimal(1_000_000)),
        metadata={
            "label": _l("For every full amount of"),
            "hint": _l("Left empty: for each unit of the currency, parts of it count too."),
            "inputmode": "decimal",
            "width": "half",
        },
    )
    rounding = fields.String(
        required=True,
        validate=validate.OneOf([value for value, _label in ROUNDINGS]),
        metadata={"label": _l("Rounded down"), "options": ROUNDINGS, "kind": "radio"},
    )
    months = fields.Integer(
        load_default=None,
        allow_none=True,
        validate=validate.Range(1, 600),
        metadata={"label": _l("Points last, months"), "hint": _l("Left empty, they never lapse."), "width": "half"},
    )
    round_up = fields.String(
        required=True,
        validate=validate.OneOf([value for value, _label in ENDS]),
        metadata={"label": _l("They lapse"), "options": ENDS, "width": "half"},
    )

    @post_load
    def _document(self, data: dict[str, Any], **_kw: object) -> dict[str, Any]:
        """Decimals travel as text, exactly."""
        step = data["step"]
        return {"document": {**data, "points": _text(data["points"]), "step": _text(step) if step else None}}


def _text(value: Decimal) -> str:
    return format(value.normalize(), "f")
