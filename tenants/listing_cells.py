"""What stands in a cell of a list: on the screen as safe markup, in a CSV file as plain data."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from babel import numbers as babel_numbers
from flask import Response, current_app
from flask_babel import gettext as _
from markupsafe import Markup, escape
from sqlalchemy import Select

from config.extensions import db
from tenants.formats import FILTERS, current_currency, current_zone, exact, local_day

if TYPE_CHECKING:
    from tenants.listing import Listing
    from tenants.listing_parts import Column

NUMERIC = frozenset({"money", "points", "number", "percent", "filesize"})
TIMED = frozenset({"moment", "ago", "day"})
CSV_CAP = 100_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def shown(column: Column, row: Any) -> Markup:
    """A cell as markup: by the column's macro `file#name`, by its filter, or as it is."""
    if column.cell:
        path, _hash, name = column.cell.partition("#")
        macro = getattr(current_app.jinja_env.get_template(path).module, name)
        return Markup(macro(row))  # noqa: S704  # the macro escapes, as every template does
    value = column.of(row)
    if value is None or value == "":
        return Markup('<span class="muted pn-none">–</span>')
    if not column.format:
        return escape(value)
    text = FILTERS[column.format](value)
    if column.format in TIMED and isinstance(value, datetime):
        return Markup('<time datetime="{}" title="{}">{}</time>').format(value.isoformat(), exact(value), text)
    return escape(text)


def plain(column: Column, row: Any) -> Any:
    """A cell as data: money as a decimal number, instants in the tenant's zone, text made harmless for spreadsheets."""
    value = column.csv(row) if column.csv else column.of(row)
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo(current_zone())).isoformat(timespec="seconds")
    if column.format == "money" and isinstance(value, int):
        return Decimal(value).scaleb(-babel_numbers.get_currency_precision(current_currency()))
    if isinstance(value, int | float | Decimal):
        return value
    return harmless(str(value))


def harmless(text: str) -> str:
    """Text that a spreadsheet will not run as a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _read_and_close(spool: IO[bytes]) -> Iterator[bytes]:
    with spool:
        yield from iter(lambda: spool.read(1 << 16), b"")


def csv_response(listing: Listing, statement: Select[Any], *, entities: bool) -> Response:
    """All rows of an ordered statement as a CSV file, in one query and little memory, at most CSV_CAP of them."""
    columns = [column for column in listing.columns if column.export]
    spool = tempfile.SpooledTemporaryFile(max_size=1 << 20)  # noqa: SIM115  # the response closes it
    text = io.TextIOWrapper(spool, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow([str(column.label) for column in columns])
    found = db.session.execute(statement.limit(CSV_CAP + 1), execution_options={"yield_per": 1000})
    for count, row in enumerate(found):
        if count == CSV_CAP:
            writer.writerow([_("Only the first %(num)d rows are here. Narrow the list for the rest.", num=CSV_CAP)])
            break
        writer.writerow([plain(column, row[0] if entities else row) for column in columns])
    found.close()
    text.flush()
    text.detach()
    spool.seek(0)
    name = f"{listing.id}-{local_day().isoformat()}.csv"
    response = Response(_read_and_close(spool), mimetype="text/csv")
    response.call_on_close(spool.close)  # also when the browser goes away in the middle
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    return response
