"""Fields that the JSON doors of the member programme share: exact decimals, instants, keys."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from flask import Response, json, request
from flask_babel import lazy_gettext as _l
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from tenants.errors import Malformed

MAX_KEY = 200
CLOCKS_DIFFER = timedelta(days=1)
SOURCE = validate.Regexp(
    r"[A-Za-z0-9][\w.:/ -]{0,63}\Z",
    error=_l("Letters, digits and . : / - only, at most 64, not beginning with a sign."),
)
EXTERNAL_ID = validate.Length(min=1, max=200)


class Exact(fields.Decimal):
    """A decimal as text ("12.50") or a whole number; a binary float is refused, because it is not exact."""

    def __init__(self, **kw: Any) -> None:
        super().__init__(as_string=True, **kw)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kw: Any) -> Any:
        if isinstance(value, float):
            raise ValidationError(_l('Send decimals as text, such as "12.50".'))
        return super()._deserialize(value, attr, data, **kw)


class Instant(fields.AwareDateTime):
    """An ISO 8601 instant with its offset, not more than a day in the future."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kw: Any) -> datetime:
        found = super()._deserialize(value, attr, data, **kw)
        assert isinstance(found, datetime)
        if found > datetime.now(UTC) + CLOCKS_DIFFER:
            raise ValidationError(_l("This lies in the future."))
        return found


class Input(Schema):
    """Base of what is sent: fields we do not know are ignored, so that newer clients still get in."""

    class Meta:
        """marshmallow's settings."""

        unknown = EXCLUDE


class ProblemOut(Schema):
    """RFC 9457: `code` is stable."""

    type = fields.String()
    title = fields.String()
    status = fields.Integer()
    code = fields.String()
    detail = fields.String()
    request_id = fields.String()


def minor(amount: Decimal, *, exponent: int, field: str) -> int:
    """An amount in major units as minor units. Raises Malformed where the currency has fewer decimals."""
    scaled = amount.scaleb(exponent)
    if scaled != scaled.to_integral_value():
        raise Malformed({field: [_l("More decimals than the currency has.")]})
    return int(scaled)


def product_minor(quantity: Decimal, price: Decimal, *, exponent: int) -> int:
    """quantity × price in minor units, rounded half up: for tills that send no amount."""
    return int((quantity * price).scaleb(exponent).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def request_key() -> tuple[str | None, bytes | None]:
    """The Idempotency-Key of this request and the hash of its path and body. Raises Malformed."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None, None
    if not 0 < len(key) <= MAX_KEY:
        raise Malformed({"Idempotency-Key": [_l("Between 1 and %(most)d characters.", most=MAX_KEY)]})
    content = request.path.encode() + b"\n" + request.get_data(cache=True)
    return key, hashlib.blake2b(content, digest_size=16).digest()


def answer(body: Mapping[str, Any], *, status: int = 200) -> Response:
    """A JSON answer as it is, past the schema machinery."""
    return Response(json.dumps(body), status=status, mimetype="application/json")


KEY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "maxLength": MAX_KEY},
    "description": "The same key with the same body is answered as the first time; with another body it is refused.",
}
