"""The shape of what staff type about partners."""

from __future__ import annotations

from babel import Locale
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from marshmallow import fields, validate

from channels.partners import queries
from tenants.forms import FormSchema

STATUSES = [("active", _l("Active")), ("paused", _l("Paused")), ("ended", _l("Ended"))]
LANGUAGES = [("en", "English"), ("zh_Hans", "简体中文"), ("zh_Hant", "繁體中文")]


def countries() -> list[tuple[str, str]]:
    """All countries as (code, name) in the reader's language, by name."""
    locale = get_locale() or Locale("en")
    names = [
        (code, name)
        for code, name in locale.territories.items()
        if len(code) == 2 and code not in {"ZZ", "EU", "UN", "EZ", "XA", "XB", "QO"}
    ]
    return sorted(names, key=lambda pair: pair[1])


def _choices() -> list[tuple[str, str]]:
    return [(str(ident), name) for ident, name in queries.choices()]


class PartnerSchema(FormSchema):
    """A partner's data."""

    name = fields.String(
        required=True,
        validate=validate.Length(1, 200),
        metadata={"label": _l("Company name"), "autocomplete": "organization"},
    )
    number = fields.String(
        required=True,
        validate=validate.Length(1, 40),
        metadata={"label": _l("Partner number"), "width": "half"},
    )
    country = fields.String(
        required=True,
        validate=validate.Length(equal=2),
        metadata={"label": _l("Country"), "options": countries, "width": "half"},
    )
    territory = fields.String(
        load_default="",
        validate=validate.Length(max=400),
        metadata={
            "label": _l("Territory"),
            "hint": _l("Where this partner sells, as the agreement says it."),
        },
    )
    since = fields.Date(required=True, metadata={"label": _l("Partner since"), "width": "half"})
    status = fields.String(
        required=True,
        validate=validate.OneOf([value for value, _label in STATUSES]),
        metadata={"label": _l("Status"), "options": STATUSES, "width": "half"},
    )


class InviteSchema(FormSchema):
    """A person of a partner who shall sign in."""

    name = fields.String(required=True, validate=validate.Length(1, 200), metadata={"label": _l("Name")})
    email = fields.Email(
        required=True,
        metadata={
            "label": _l("E-mail"),
            "hint": _l("A code to sign in goes to this address; there is no password."),
        },
    )
    locale = fields.String(
        required=True,
        validate=validate.OneOf([value for value, _label in LANGUAGES]),
        metadata={"label": _l("Language"), "options": LANGUAGES},
    )


class NoticeSchema(FormSchema):
    """Something partners are told."""

    title = fields.String(required=True, validate=validate.Length(1, 200), metadata={"label": _l("Title")})
    body = fields.String(
        required=True,
        validate=validate.Length(1, 10_000),
        metadata={"label": _l("Text"), "kind": "textarea", "rows": 8},
    )
    partner_id = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={
            "label": _l("For"),
            "kind": "select",
            "options": _choices,
            "placeholder": _l("All partners"),
        },
    )


class InternalTermsSchema(FormSchema):
    """What only the brand may know."""

    margin_percent = fields.Decimal(
        load_default=None,
        allow_none=True,
        places=2,
        validate=validate.Range(-100, 100),
        metadata={"label": _l("Our margin, per cent"), "inputmode": "decimal"},
    )
    note = fields.String(
        load_default="",
        validate=validate.Length(max=4000),
        metadata={"label": _l("Note"), "kind": "textarea", "rows": 4},
    )
