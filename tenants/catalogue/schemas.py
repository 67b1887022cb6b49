"""The form of a product."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from marshmallow import fields, validate

from tenants.forms import FormSchema

STATUSES = (("active", _l("Active")), ("retired", _l("No longer sold")))


class ProductSchema(FormSchema):
    """What people may change of a product."""

    name = fields.String(
        required=True, validate=validate.Length(max=300), metadata={"label": _l("Name"), "autofocus": True}
    )
    category = fields.String(
        load_default="", validate=validate.Length(max=100),
        metadata={"label": _l("Category"), "hint": _l("A new name makes a new category.")},
    )  # fmt: skip
    status = fields.String(
        load_default="active", validate=validate.OneOf([value for value, _label in STATUSES]),
        metadata={"label": _l("Status"), "options": STATUSES},
    )  # fmt: skip


class NewProductSchema(FormSchema):
    """A product added by hand."""

    sku = fields.String(
        required=True, validate=validate.Length(min=1, max=100),
        metadata={"label": _l("Product code (SKU)"), "hint": _l("As the till and the files write it."), "autofocus": True},
    )  # fmt: skip
    name = fields.String(required=True, validate=validate.Length(max=300), metadata={"label": _l("Name")})
    category = fields.String(
        load_default="", validate=validate.Length(max=100),
        metadata={"label": _l("Category"), "hint": _l("A new name makes a new category.")},
    )  # fmt: skip
