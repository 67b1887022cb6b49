"""What a member may change about themselves."""

from __future__ import annotations

from datetime import date

from flask_babel import lazy_gettext as _l
from marshmallow import ValidationError, fields, validate, validates

from tenants.forms import FormSchema

LANGUAGES = [("en", "English"), ("zh_Hans", "简体中文"), ("zh_Hant", "繁體中文")]


class MeSchema(FormSchema):
    """Name, birthday, language."""

    name = fields.String(
        required=True, validate=validate.Length(1, 200), metadata={"label": _l("Name"), "autocomplete": "name"}
    )
    birthday = fields.Date(
        load_default=None,
        allow_none=True,
        metadata={"label": _l("Birthday"), "autocomplete": "bday", "hint": _l("So that we can think of it.")},
    )
    locale = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.OneOf([code for code, _name in LANGUAGES]),
        metadata={"label": _l("Language"), "kind": "select", "options": LANGUAGES, "placeholder": _l("As the shop")},
    )

    @validates("birthday")
    def _in_the_past(self, value: date | None, **_kw: object) -> None:
        if value is not None and not date(1900, 1, 1) <= value <= date.today():  # noqa: DTZ011  # one day more or less is no matter here
            raise ValidationError(_l("A birthday lies in the past."))


class ConsentSchema(FormSchema):
    """One choice about one address."""

    purpose = fields.String(required=True, validate=validate.OneOf(["programme", "marketing"]))
    granted = fields.Boolean(required=True)
