"""The forms of an import: upload, mapping (made from the file and the kind), and how to read the file."""

from __future__ import annotations

from collections.abc import Mapping as Map
from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from marshmallow import fields, validate

from tenants.forms import FormSchema
from tenants.imports.kinds import Kind, kinds
from tenants.imports.mapping import MARKS, Mapping
from tenants.imports.models import Import
from tenants.imports.readers import Format
from tenants.imports.readers.text import ENCODINGS

DATE_LABELS = {
    "ymd": _l("Year, month, day (2026-03-31)"),
    "dmy": _l("Day, month, year (31/03/2026)"),
    "mdy": _l("Month, day, year (03/31/2026)"),
    "compact": _l("Without separators (20260331)"),
    "serial": _l("Spreadsheet day number (46112)"),
    "epoch": _l("Seconds since 1970 (1774915200)"),
}
MARK_LABELS = {".": _l("Point (1,234.50)"), ",": _l("Comma (1.234,50)")}
ENCODING_LABELS = {
    "utf-8": "UTF-8",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16 (big endian)",
    "gb18030": "GB18030 / GBK",
    "big5": "Big5",
    "cp1252": "Windows-1252 / Latin-1",
}


def kind_options() -> list[tuple[str, Any]]:
    """The kinds of import a person may choose."""
    return [(kind.key, kind.label) for kind in kinds()]


class UploadSchema(FormSchema):
    """A file and what it holds."""

    kind = fields.String(required=True, metadata={"label": _l("What the file holds"), "options": kind_options})
    file = fields.Raw(
        required=True,
        metadata={
            "label": _l("File"),
            "kind": "file",
            "accept": ".csv,.tsv,.txt,.xlsx,.gz",
            "hint": _l(
                "CSV, XLSX or fixed-width text, also packed as .gz, up to 50 MB. Columns are recognised by their names."
            ),
        },
    )


class ReadingSchema(FormSchema):
    """How to read the bytes."""

    encoding = fields.String(
        required=True, validate=validate.OneOf(ENCODINGS),
        metadata={"label": _l("Character set"), "options": tuple(ENCODING_LABELS.items()), "width": "half"},
    )  # fmt: skip
    header = fields.Boolean(load_default=False, metadata={"label": _l("The first row holds the names of the columns")})


def mapping_schema(kind: Kind, found: Import, samples: Map[str, Sequence[str]]) -> FormSchema:
    """The form in which each field of the kind gets its column; hints show what the column holds."""
    form, mapping = Format.from_dict(found.format), Mapping.from_dict(found.mapping)
    options = [(name, name) for name in form.columns if name not in MARKS]
    parts: dict[str, fields.Field[Any]] = {}
    for item in kind.fields:
        example = _("For example: %(values)s", values=" · ".join(samples.get(mapping.columns.get(item.key, ""), ())))
        about = {"label": item.label, "options": options, "placeholder": _("not in this file"), "width": "half"}
        about["hint"] = example if item.key in mapping.columns else ""
        choice = validate.OneOf([name for name, _label in options])
        parts[f"column_{item.key}"] = (
            fields.String(required=item.required, load_default=None, validate=choice, metadata=about)
            if not item.required
            else fields.String(required=True, validate=choice, metadata=about)
        )
    parts.update(_formats(mapping))
    parts["source"] = fields.String(
        required=True, validate=validate.Length(min=1, max=60),
        metadata={"label": _l("Where the document numbers come from"), "width": "half",
                  "hint": _l("Two sources may use the same numbers without meeting, such as shop and till.")},
    )  # fmt: skip
    for key, label in kind.options.items():
        parts[f"option_{key}"] = fields.Boolean(load_default=False, metadata={"label": label})
    schema = FormSchema.from_dict(dict(parts), name="MappingSchema")()
    assert isinstance(schema, FormSchema)
    return schema


def _formats(mapping: Mapping) -> dict[str, fields.Field[Any]]:
    also = mapping.notes.get("date_also", [])
    unsure = _("These dates can be read in more than one way: choose the order.") if also else ""
    return {
        "date_order": fields.String(
            required=True, validate=validate.OneOf(list(DATE_LABELS)),
            metadata={"label": _l("Order of dates"), "options": tuple(DATE_LABELS.items()), "width": "half", "hint": unsure},
        ),
        "decimal_mark": fields.String(
            required=True, validate=validate.OneOf(list(MARK_LABELS)),
            metadata={"label": _l("Decimal mark"), "options": tuple(MARK_LABELS.items()), "width": "half"},
        ),
    }  # fmt: skip


def mapping_values(kind: Kind, found: Import) -> dict[str, Any]:
    """What the mapping form starts from."""
    mapping = Mapping.from_dict(found.mapping)
    values: dict[str, Any] = {f"column_{key}": name for key, name in mapping.columns.items()}
    values |= {"date_order": mapping.date_order, "decimal_mark": mapping.decimal_mark, "source": found.source}
    return values | {f"option_{key}": found.options.get(key, key == "create_members") for key in kind.options}


def mapping_from(data: Map[str, Any], notes: Map[str, Any]) -> tuple[Mapping, dict[str, bool]]:
    """The mapping and the options that somebody chose in the form."""
    columns = {key.removeprefix("column_"): name for key, name in data.items() if key.startswith("column_") and name}
    options = {key.removeprefix("option_"): bool(on) for key, on in data.items() if key.startswith("option_")}
    kept = {key: value for key, value in notes.items() if key != "saved"}
    return Mapping(columns, data["date_order"], data["decimal_mark"], kept), options
