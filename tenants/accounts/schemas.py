"""The forms of accounts: sign-in, second step, codes, invitations, one's own account."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from marshmallow import fields, validate

from tenants.access import ROLES
from tenants.accounts.rules import MIN_PASSWORD
from tenants.forms import FormSchema
from tenants.ui import LANGUAGES, role_names

NEW_PASSWORD: dict[str, Any] = {
    "kind": "password",
    "autocomplete": "new-password",
    "hint": _l(
        "At least %(count)d characters. A short sentence is easier to keep than a short word.", count=MIN_PASSWORD
    ),
}


def _roles() -> list[tuple[str, str]]:
    return list(role_names().items())


class SignInSchema(FormSchema):
    """E-mail and password."""

    email = fields.Email(
        required=True, metadata={"label": _l("E-mail"), "autocomplete": "username", "autofocus": True, "kind": "email"}
    )
    password = fields.String(
        required=True,
        validate=validate.Length(min=1, max=1000),
        metadata={"label": _l("Password"), "kind": "password", "autocomplete": "current-password"},
    )


class CodeSchema(FormSchema):
    """A code from a mail, a text message or an authenticator app."""

    code = fields.String(
        required=True,
        validate=validate.Length(min=4, max=20),
        metadata={"label": _l("Code"), "kind": "code", "autofocus": True},
    )


class SecondStepSchema(FormSchema):
    """A code of the authenticator app, or a recovery code."""

    code = fields.String(
        required=True,
        validate=validate.Length(min=6, max=20),
        metadata={
            "label": _l("Code"),
            "kind": "code",
            "autofocus": True,
            "inputmode": "text",
            "hint": _l("Six digits from your authenticator app, or one of your recovery codes."),
        },
    )


class ContactSchema(FormSchema):
    """Where a one-time code goes."""

    contact = fields.String(
        required=True,
        validate=validate.Length(min=3, max=254),
        metadata={"label": _l("E-mail or mobile number"), "autocomplete": "username", "autofocus": True},
    )


class EmailSchema(FormSchema):
    """An e-mail address."""

    email = fields.Email(
        required=True, metadata={"label": _l("E-mail"), "kind": "email", "autocomplete": "email", "autofocus": True}
    )


class NewPasswordSchema(FormSchema):
    """A new password."""

    password = fields.String(
        required=True,
        validate=validate.Length(max=1000),
        metadata={**NEW_PASSWORD, "label": _l("New password"), "autofocus": True},
    )


class JoinSchema(FormSchema):
    """Accepting an invitation with a new account."""

    name = fields.String(
        required=True,
        validate=validate.Length(min=1, max=120),
        metadata={"label": _l("Your name"), "autocomplete": "name"},
    )
    password = fields.String(
        required=True, validate=validate.Length(max=1000), metadata={**NEW_PASSWORD, "label": _l("Password")}
    )


class ProveSchema(FormSchema):
    """One's password once more."""

    password = fields.String(
        required=True,
        validate=validate.Length(max=1000),
        metadata={"label": _l("Your password"), "kind": "password", "autocomplete": "current-password"},
    )


class InviteSchema(FormSchema):
    """Somebody to invite."""

    email = fields.Email(required=True, metadata={"label": _l("E-mail"), "kind": "email", "autocomplete": "off"})
    roles = fields.List(
        fields.String(validate=validate.OneOf(ROLES)),
        required=True,
        validate=validate.Length(min=1, error=_l("Choose at least one role.")),
        metadata={"label": _l("Roles"), "kind": "checkboxes", "options": _roles},
    )


class RolesSchema(FormSchema):
    """The roles of somebody on the staff."""

    roles = fields.List(
        fields.String(validate=validate.OneOf(ROLES)),
        required=True,
        validate=validate.Length(min=1, error=_l("Choose at least one role.")),
        metadata={"label": _l("Roles"), "kind": "checkboxes", "options": _roles},
    )


class ProfileSchema(FormSchema):
    """One's name and language."""

    name = fields.String(
        required=True, validate=validate.Length(min=1, max=120), metadata={"label": _l("Name"), "autocomplete": "name"}
    )
    locale = fields.String(
        load_default="",
        validate=validate.OneOf(["", *(code for code, _name in LANGUAGES)]),
        metadata={
            "label": _l("Language"),
            "kind": "select",
            "options": list(LANGUAGES),
            "hint": _l("Without a choice the pages follow your browser."),
            "placeholder": _l("As the browser"),
        },
    )


class PasswordSchema(FormSchema):
    """A change of password."""

    current = fields.String(
        required=True,
        validate=validate.Length(max=1000),
        metadata={"label": _l("Present password"), "kind": "password", "autocomplete": "current-password"},
    )
    new = fields.String(
        required=True, validate=validate.Length(max=1000), metadata={**NEW_PASSWORD, "label": _l("New password")}
    )
