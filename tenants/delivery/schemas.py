"""Shapes of what comes in."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from marshmallow import EXCLUDE, Schema, fields, validate

from tenants.delivery import labels
from tenants.forms import FormSchema


class SuppressSchema(FormSchema):
    """An address that must not be written to."""

    address = fields.String(
        required=True,
        validate=validate.Length(min=1, max=254),
        metadata={"label": _l("E-mail address or phone number"), "autofocus": True},
    )


class PreferencesSchema(FormSchema):
    """Which purposes the reader of a message still wants."""

    purposes = fields.List(
        fields.String(validate=validate.OneOf(["programme", "marketing"])),
        load_default=list,
        metadata={
            "label": _l("I want to hear about"),
            "kind": "checkboxes",
            "options": labels.options(labels.WISHES),
        },
    )


class ReplySchema(Schema):
    """A text that came back, from the SMS gateway."""

    class Meta:
        unknown = EXCLUDE

    sender = fields.String(required=True, data_key="from", validate=validate.Length(min=1, max=40))
    text = fields.String(required=True, validate=validate.Length(max=2000))


class ReportSchema(Schema):
    """What became of a message, from a gateway: our id and a state."""

    class Meta:
        unknown = EXCLUDE

    id = fields.UUID(required=True)
    state = fields.String(
        required=True, validate=validate.OneOf(["delivered", "failed", "unknown_number", "bounced", "complaint"])
    )
    reason = fields.String(load_default="", validate=validate.Length(max=2000))
