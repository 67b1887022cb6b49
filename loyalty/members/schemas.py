"""The shape of what staff type about members."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from marshmallow import fields, validate

from tenants.forms import FormSchema

LANGUAGES = [("en", "English"), ("zh_Hans", "简体中文"), ("zh_Hant", "繁體中文")]


class MemberSchema(FormSchema):
    """A member with addresses and what they agreed to."""

    name = fields.String(
        required=True, validate=validate.Length(1, 200), metadata={"label": _l("Name"), "autofocus": True}
    )
    number = fields.String(
        load_default="",
        validate=validate.Length(max=40),
        metadata={"label": _l("Customer number"), "hint": _l("Left empty, one is drawn."), "width": "half"},
    )
    birthday = fields.Date(load_default=None, allow_none=True, metadata={"label": _l("Birthday"), "width": "half"})
    email = fields.String(
        load_default="",
        validate=validate.Length(max=254),
        metadata={"label": _l("E-mail"), "kind": "email", "width": "half"},
    )
    phone = fields.String(
        load_default="",
        validate=validate.Length(max=40),
        metadata={"label": _l("Mobile phone"), "kind": "tel", "width": "half"},
    )
    locale = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.OneOf([code for code, _name in LANGUAGES]),
        metadata={"label": _l("Language"), "kind": "select", "options": LANGUAGES, "placeholder": _l("As the shop")},
    )
    programme = fields.Boolean(
        load_default=False, metadata={"label": _l("Agreed to messages about card, points and tier")}
    )
    marketing = fields.Boolean(load_default=False, metadata={"label": _l("Agreed to news and offers")})
    anyway = fields.Boolean(
        load_default=False,
        metadata={
            "label": _l("Save even if another member has the same address"),
            "hint": _l("For couples and families who share one."),
        },
    )
