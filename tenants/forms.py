"""Forms from marshmallow schemas: what was typed stays, what is wrong is said beside its field.

The same schema reads JSON in the API, so shapes are written once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from babel import numbers as babel_numbers
from flask import Response, request
from flask_babel import lazy_gettext as _l
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate
from werkzeug.datastructures import MultiDict

from tenants.errors import AppError, Malformed, NotFound
from tenants.formats import current_currency, number_locale
from tenants.web import page

# Sentences for people in place of marshmallow's own, per field class and key.
SENTENCES: tuple[tuple[type[fields.Field[Any]], dict[str, Any]], ...] = (
    (fields.UUID, {"invalid_uuid": _l("Choose one of the list.")}),
    (fields.Integer, {"invalid": _l("Write a whole number."), "too_large": _l("This number is too large.")}),
    (fields.Number, {"invalid": _l("Write a number."), "too_large": _l("This number is too large.")}),
    (fields.Date, {"invalid": _l("Write a date such as 2026-03-31.")}),
    (fields.DateTime, {"invalid": _l("Write a date and time such as 2026-03-31 14:00.")}),
    (fields.Boolean, {"invalid": _l("Choose yes or no.")}),
)
REQUIRED = _l("Please fill this in.")
VALIDATORS: tuple[tuple[type[validate.Validator], dict[str, Any]], ...] = (
    (
        validate.Length,
        {
            "message_min": _l("Write at least {min} characters."),
            "message_max": _l("Write at most {max} characters."),
            "message_all": _l("Write {min} to {max} characters."),
            "message_equal": _l("Write exactly {equal} characters."),
        },
    ),
    (
        validate.Range,
        {"message_min": _l("This must be at least {min}."), "message_max": _l("This must be at most {max}.")},
    ),
    (validate.OneOf, {"error": _l("Choose one of the list.")}),
    (validate.Email, {"error": _l("This is not an e-mail address.")}),
    (validate.URL, {"error": _l("This is not a web address.")}),
    (validate.Regexp, {"error": _l("This is not in the form asked for.")}),
)
KINDS: tuple[tuple[type[fields.Field[Any]], str], ...] = (
    (fields.Email, "email"),
    (fields.Url, "url"),
    (fields.Boolean, "checkbox"),
    (fields.DateTime, "datetime"),
    (fields.Date, "date"),
    (fields.Number, "number"),
)
ATTRIBUTES = ("placeholder", "autocomplete", "inputmode", "rows", "autofocus", "accept", "maxlength", "spellcheck")


class FormSchema(Schema):
    """A schema whose messages are sentences in the reader's language; unknown fields are left out."""

    class Meta:
        unknown = EXCLUDE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Put our sentences where the schema has none of its own."""
        own: dict[str, Any] = {}
        for kind, sentences in SENTENCES:
            if isinstance(field_obj, kind):
                own = sentences | own
        defaults = {"required": REQUIRED, "null": REQUIRED, "validator_failed": _l("This cannot be used.")} | own
        standard = _standard_messages(type(field_obj))
        for key, sentence in defaults.items():
            if field_obj.error_messages.get(key) == standard.get(key):
                field_obj.error_messages[key] = sentence
        for validator in field_obj.validators:
            _say(validator)


def _standard_messages(kind: type[fields.Field[Any]]) -> dict[str, Any]:
    messages: dict[str, Any] = {}
    for parent in reversed(kind.__mro__):
        messages |= getattr(parent, "default_error_messages", {})
    return messages


def _say(validator: Any) -> None:
    # Lazy sentences read the language when they are shown, so setting them on the shared validator is safe.
    for kind, sentences in VALIDATORS:
        standard = getattr(validator, "error", None) in {None, getattr(kind, "default_message", None)}
        if isinstance(validator, kind) and standard:
            for name, sentence in sentences.items():
                setattr(validator, name, sentence)


class Money(fields.Field[int]):
    """An amount as people type it, in the tenant's currency, as integer minor units. JSON has decimal strings too."""

    default_error_messages = {  # noqa: RUF012  # marshmallow reads it from the class
        "invalid": _l("Write an amount such as 12.50."),
        "too_fine": _l("This currency has fewer decimals."),
    }

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        text = str(value).replace(babel_numbers.get_currency_symbol(current_currency(), number_locale()), "").strip()
        try:
            amount = babel_numbers.parse_decimal(text, locale=number_locale(), strict=True)
        except (babel_numbers.NumberFormatError, InvalidOperation) as error:
            raise self.make_error("invalid") from error
        minor = amount.scaleb(babel_numbers.get_currency_precision(current_currency()))
        if not minor.is_finite() or abs(minor) >= 2**53:
            raise self.make_error("invalid")
        if minor != minor.to_integral_value():
            raise self.make_error("too_fine")
        return int(minor)

    def _serialize(self, value: int | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else money_input(value)


def money_input(minor: int) -> str:
    """Minor units as a person would type them: no sign of the currency, no separators of thousands."""
    digits = babel_numbers.get_currency_precision(current_currency())
    pattern = "0." + "0" * digits if digits else "0"
    return babel_numbers.format_decimal(Decimal(minor).scaleb(-digits), format=pattern, locale=number_locale())


@dataclass(frozen=True)
class FieldView:
    """A field as the macros draw it."""

    name: str
    label: Any
    kind: str
    value: Any
    required: bool
    hint: Any = ""
    errors: Sequence[Any] = ()
    options: Sequence[tuple[Any, Any]] = ()
    width: str = ""
    attrs: Mapping[str, Any] = field(default_factory=dict)
    optional_mark: bool = False

    @property
    def id(self) -> str:
        """Its id in the page."""
        return f"f-{self.name.replace('.', '-')}"


def _kind_of(one: fields.Field[Any]) -> str:
    given = one.metadata.get("kind")
    if given:
        return str(given)
    if isinstance(one, Money):
        return "money"
    if isinstance(one, fields.List):
        return "checkboxes"
    if one.metadata.get("options") is not None:
        return "select"
    return next((kind for cls, kind in KINDS if isinstance(one, cls)), "text")


def _options_of(one: fields.Field[Any]) -> Sequence[tuple[Any, Any]]:
    options = one.metadata.get("options", ())
    return tuple(options() if callable(options) else options)


def _flat(messages: Any) -> list[Any]:
    """All sentences in what marshmallow says of one field, however deep."""
    if isinstance(messages, Mapping):
        return [sentence for inner in messages.values() for sentence in _flat(inner)]
    return list(messages) if isinstance(messages, list | tuple) else [messages]


class Form:
    """A schema with what was typed, or with `values` (a mapping or an object) to start from."""

    def __init__(self, schema: Schema, *, values: Any = None, prefix: str = "") -> None:
        self.schema = schema
        self.prefix = prefix
        self.start = values if values is not None else {}
        self.typed: MultiDict[str, Any] | None = None
        self.data: dict[str, Any] = {}
        self.errors: dict[str, list[Any]] = {}
        self.sentence: Any = ""
        self.status = 200
        self.result: Any = None

    # ---- reading

    def submit(self, action: Callable[..., Any] | None = None, /, **fixed: Any) -> bool:
        """Whether this is a post, it is well formed and the action took it; its answer is `result`.

        Malformed raised by the action lands beside its fields, another refusal above the form; the
        status of the page then rolls back what the action had begun.
        """
        if request.method != "POST":
            return False
        self.typed = request.form
        try:
            self.data = self.load()
            if action is not None:
                self.result = action(**self.data, **fixed)
        except NotFound:
            raise  # there is nothing here to fill in a form about
        except AppError as error:
            self.refuse(error)
            return False
        return True

    def load(self) -> dict[str, Any]:
        """The data of the request. Raises Malformed."""
        try:
            return dict(self.schema.load(self._raw(request.form)))
        except ValidationError as error:
            messages = error.messages if isinstance(error.messages, dict) else {"_schema": error.messages}
            raise Malformed({name: _flat(said) for name, said in messages.items()}) from error

    def _raw(self, form: MultiDict[str, Any]) -> dict[str, Any]:
        raw: dict[str, Any] = {}
        for name, one in self.schema.load_fields.items():
            value = self._typed_value(one, name, form)
            if value is not None:
                raw[one.data_key or name] = value
        return raw

    def _typed_value(self, one: fields.Field[Any], name: str, form: MultiDict[str, Any]) -> Any:
        """What was typed, None when nothing was."""
        key, kind = self.prefix + (one.data_key or name), _kind_of(one)
        if kind == "file":
            upload = request.files.get(key)
            return upload if upload and upload.filename else None
        if kind == "checkboxes":
            return [text for text in form.getlist(key) if text]
        if kind == "checkbox":
            return bool(form.get(key))
        text = form.get(key)
        if text is None:
            return None
        # A password may begin or end with a space.
        text = text if kind == "password" else text.strip()
        return text or self._blank(one)

    @staticmethod
    def _blank(one: fields.Field[Any]) -> Any:
        """An emptied field of an editing form clears a text; of anything else it means "not given"."""
        return "" if type(one) is fields.String and not one.required and not one.metadata.get("options") else None

    def refuse(self, error: AppError) -> None:
        """Show a refusal: beside its fields where it names them, else above the form."""
        self.typed = request.form
        self.status = error.status
        named = error.errors if isinstance(error, Malformed) else {}
        known = {one.data_key or name for name, one in self.schema.load_fields.items()}
        self.errors = {name: said for name, said in named.items() if name in known}
        loose = [sentence for name, said in named.items() if name not in known for sentence in said]
        self.sentence = " ".join(map(str, loose)) or ("" if self.errors else error.sentence)

    # ---- showing

    def page(self, full: str, fragment: str | None = None, **context: Any) -> Response:
        """The page with this form: 200, or the status of the refusal."""
        return page(full, fragment, status=self.status, form=self, **context)

    @property
    def multipart(self) -> bool:
        """Whether a file can be chosen in it."""
        return any(_kind_of(one) == "file" for one in self.schema.load_fields.values())

    def __iter__(self) -> Iterator[FieldView]:
        return (self[name] for name in self.schema.load_fields)

    def __getitem__(self, name: str) -> FieldView:
        one = self.schema.load_fields[name]
        key, about, kind = one.data_key or name, one.metadata, _kind_of(one)
        some_optional = any(other.required for other in self.schema.load_fields.values())
        return FieldView(
            name=self.prefix + key,
            label=about.get("label", key),
            kind=kind,
            value=self._value(one, name, kind),
            required=one.required,
            hint=about.get("hint", ""),
            errors=self.errors.get(key, ()),
            options=_options_of(one),
            width=str(about.get("width", "")),
            attrs={name: about[name] for name in ATTRIBUTES if about.get(name)},
            optional_mark=some_optional and not one.required and kind not in {"checkbox", "checkboxes", "hidden"},
        )

    def __getattr__(self, name: str) -> FieldView:
        """`form.email` in templates. Raises AttributeError for a field the schema does not have."""
        if name.startswith("_") or name not in self.__dict__.get("schema", Schema()).load_fields:
            raise AttributeError(name)
        return self[name]

    def _value(self, one: fields.Field[Any], name: str, kind: str) -> Any:
        if kind in {"password", "file"}:
            return ""
        if self.typed is not None:
            key = self.prefix + (one.data_key or name)
            return self.typed.getlist(key) if kind == "checkboxes" else self.typed.get(key, "")
        value = self.start.get(name) if isinstance(self.start, Mapping) else getattr(self.start, name, None)
        return _as_typed(value, kind)


def _as_typed(value: Any, kind: str) -> Any:
    """A stored value as a person would have typed it."""
    if value is None:
        return ""
    if kind == "money" and isinstance(value, int):
        return money_input(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M")
    return value.isoformat() if isinstance(value, date) else value


def load(schema: Schema) -> dict[str, Any]:
    """The posted form as the schema's data. Raises Malformed, which is shown as a page or fragment."""
    return Form(schema).load()
