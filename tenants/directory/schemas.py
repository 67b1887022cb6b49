"""The forms of the directory: sign-up, branding, settings, host names."""

from __future__ import annotations

from babel import Locale
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from marshmallow import fields, validate

from tenants.directory import places
from tenants.directory.rules import CARD_STYLES
from tenants.forms import FormSchema


def _reader() -> Locale:
    return get_locale() or Locale("en")


def _countries() -> list[tuple[str, str]]:
    return places.countries(_reader())


def _locales() -> list[tuple[str, str]]:
    return places.locales(_reader())


def _currencies() -> list[tuple[str, str]]:
    return places.currencies(_reader())


def _known(options: list[tuple[str, str]]) -> validate.OneOf:
    return validate.OneOf([value for value, _label in options])


ENGLISH = Locale("en")
COUNTRY, LOCALE, CURRENCY, ZONE = (
    _known(options)
    for options in (places.countries(ENGLISH), places.locales(ENGLISH), places.currencies(ENGLISH), places.zones())
)
CARD_STYLE_OPTIONS = [("plain", _l("Plain")), ("waves", _l("Waves")), ("rings", _l("Rings")), ("linen", _l("Linen"))]


class SignUpSchema(FormSchema):
    """A new organisation and its first owner."""

    name = fields.String(
        required=True,
        validate=validate.Length(min=2, max=80),
        metadata={"label": _l("Name of your organisation"), "autocomplete": "organization", "autofocus": True},
    )
    slug = fields.String(
        load_default="",
        validate=validate.Length(max=40),
        metadata={
            "label": _l("Short name for addresses"),
            "hint": _l("Left empty, it is made from the name. It cannot be changed later."),
            "autocomplete": "off",
        },
    )
    email = fields.Email(
        required=True,
        metadata={
            "label": _l("Your e-mail"),
            "kind": "email",
            "autocomplete": "email",
            "hint": _l("You become the first owner. We send a link to this address."),
        },
    )
    country = fields.String(
        required=True, validate=COUNTRY, metadata={"label": _l("Country"), "kind": "select", "options": _countries}
    )
    locale = fields.String(
        load_default="",
        validate=LOCALE,
        metadata={
            "label": _l("Language and formats"),
            "kind": "select",
            "options": _locales,
            "placeholder": _l("As usual in the country"),
            "width": "half",
        },
    )
    currency = fields.String(
        load_default="",
        validate=CURRENCY,
        metadata={
            "label": _l("Currency"),
            "kind": "select",
            "options": _currencies,
            "placeholder": _l("As usual in the country"),
            "width": "half",
        },
    )
    zone = fields.String(
        load_default="",
        validate=ZONE,
        metadata={
            "label": _l("Time zone"),
            "kind": "select",
            "options": places.zones,
            "placeholder": _l("As usual in the country"),
        },
    )


class BrandingSchema(FormSchema):
    """Colours, card and logo."""

    accent = fields.String(
        required=True,
        metadata={
            "label": _l("Accent colour"),
            "kind": "colour",
            "hint": _l("Buttons, links and marks."),
            "width": "half",
        },
    )
    card = fields.String(
        required=True,
        metadata={
            "label": _l("Colour of the card"),
            "kind": "colour",
            "hint": _l("The background of the VIP card."),
            "width": "half",
        },
    )
    card_style = fields.String(
        load_default="plain",
        validate=validate.OneOf(CARD_STYLES),
        metadata={"label": _l("Pattern of the card"), "kind": "radio", "options": CARD_STYLE_OPTIONS},
    )
    logo = fields.Raw(
        load_default=None,
        metadata={
            "label": _l("Logo"),
            "kind": "file",
            "accept": "image/png,image/jpeg,image/webp",
            "hint": _l("PNG, JPEG or WebP, at most 512 kB. A transparent background looks best."),
        },
    )
    no_logo = fields.Boolean(load_default=False, metadata={"label": _l("Take the logo away")})


class SettingsSchema(FormSchema):
    """What holds for the whole organisation."""

    name = fields.String(required=True, validate=validate.Length(min=2, max=80), metadata={"label": _l("Name")})
    locale = fields.String(
        required=True,
        validate=LOCALE,
        metadata={"label": _l("Language and formats"), "kind": "select", "options": _locales},
    )
    zone = fields.String(
        required=True,
        validate=ZONE,
        metadata={
            "label": _l("Time zone"),
            "kind": "select",
            "options": places.zones,
            "hint": _l(
                "Days begin and end by it: points lapse, tiers are reviewed. Points that were given keep their date."
            ),
        },
    )
    message_max_age_days = fields.Integer(
        required=True,
        validate=validate.Range(min=0, max=365),
        metadata={
            "label": _l("Write about what is at most this many days old"),
            "hint": _l("So that the import of old purchases writes to nobody."),
        },
    )


class HostSchema(FormSchema):
    """A host name."""

    host = fields.String(
        required=True,
        validate=validate.Length(max=260),
        metadata={
            "label": _l("Host name"),
            "placeholder": "club.example.com",
            "autocomplete": "off",
            "spellcheck": "false",
        },
    )
    primary = fields.Boolean(load_default=False, metadata={"label": _l("Use it in mails and links")})
