"""What the cashier types."""

from __future__ import annotations

from marshmallow import fields

from tenants.forms import FormSchema, Money


class SaleSchema(FormSchema):
    """One sale; `token` was drawn with the page, so that a second click is the same sale."""

    amount = Money(required=True)
    token = fields.UUID(required=True)
