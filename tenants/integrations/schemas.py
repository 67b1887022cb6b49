"""The form of a new API key."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from marshmallow import fields, validate

from tenants.access import SCOPES
from tenants.forms import FormSchema

SCOPE_LABELS = {
    "purchases:write": _l("Send purchases and refunds"),
    "points:write": _l("Give and take points"),
    "members:read": _l("Read members"),
    "members:write": _l("Make and change members"),
}


def scope_options() -> list[tuple[str, str]]:
    """All scopes with what they allow."""
    return [(scope, f"{SCOPE_LABELS.get(scope, scope)} ({scope})") for scope in SCOPES]


class KeySchema(FormSchema):
    """A key: what it is for and what it may do."""

    name = fields.String(
        required=True,
        validate=validate.Length(min=1, max=80),
        metadata={"label": _l("Name"), "hint": _l("What uses it, such as “web shop”."), "autofocus": True},
    )
    scopes = fields.List(
        fields.String(validate=validate.OneOf(SCOPES)),
        required=True,
        validate=validate.Length(min=1, error=_l("Choose at least one.")),
        metadata={"label": _l("May"), "kind": "checkboxes", "options": scope_options},
    )
