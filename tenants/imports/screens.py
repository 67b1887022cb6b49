"""What the screens of an import show: samples, tiles, chart, progress. Read only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from tenants.formats import money, number, points
from tenants.imports import chunks, queries
from tenants.imports.kinds import kind_of
from tenants.imports.mapping import MARKS
from tenants.imports.models import Import
from tenants.imports.readers import Format, first_rows
from tenants.imports.reasons import file_reason, row_reason, summary_reason
from tenants.info import tenant_info

STALE = timedelta(minutes=2)
STATUS_LABELS: dict[str, LazyString] = {
    "mapping": _l("Columns to be checked"),
    "checking": _l("Being checked"),
    "ready": _l("Ready to start"),
    "running": _l("Running"),
    "done": _l("Done"),
    "cancelled": _l("Stopped"),
    "undoing": _l("Being undone"),
    "undone": _l("Undone"),
    "failed": _l("Could not be read"),
}
STATUS_COLOURS = {
    "done": "green", "running": "blue", "checking": "blue", "undoing": "orange", "ready": "blue", "failed": "red",
}  # fmt: skip


def samples(found: Import, *, rows: int = 5) -> tuple[list[str], list[list[str]]]:
    """Column names and the first rows of the file."""
    form = Format.from_dict(found.format)
    keep = [index for index, name in enumerate(form.columns) if name not in MARKS]
    cells = [row.cells for row in first_rows(queries.content(found), form, count=rows)]
    return [form.columns[i] for i in keep], [[row[i].strip()[:40] for i in keep] for row in cells]


def sample_values(head: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    """For each column up to three different values."""
    columns = zip(head, zip(*rows, strict=True), strict=True) if rows else ()
    return {name: list(dict.fromkeys(value for value in values if value))[:3] for name, values in columns}


def progress(found: Import) -> dict[str, Any]:
    """Lines done and all, and the seconds that are probably left (None when nobody knows yet)."""
    if found.status == "undoing":
        return {"done": 0, "total": 0, "seconds_left": None, "stale": _stale(found)}
    left: float | None = None
    rejected = found.lines - sum_of_chunks(found)
    worked = found.lines_done - rejected
    if found.status == "running" and found.started_at and found.beat_at and worked > 0:
        spent = (found.beat_at - found.started_at).total_seconds()
        left = spent / worked * (found.lines - found.lines_done)
    return {"done": found.lines_done, "total": found.lines, "seconds_left": left, "stale": _stale(found)}


def sum_of_chunks(found: Import) -> int:
    """How many lines were staged, that is all but those refused while reading."""
    return int(found.preview.get("staged", found.lines))


def _stale(found: Import) -> bool:
    """Whether no job has touched it for a while, so that somebody should be able to wake it."""
    return found.working and (found.beat_at is None or found.beat_at < datetime.now(UTC) - STALE)


def preview_tiles(found: Import) -> list[tuple[str, str, str]]:
    """Label, figure and hint of what would happen."""
    seen = found.preview
    rejected = found.counts.get("rejected", 0)
    tiles = [
        (_("Lines in the file"), number(found.lines), ""),
        (_("Will be taken"), number(seen.get("taken", 0)), _anonymous(seen)),
        (_("Known already"), number(seen.get("unchanged", 0)), _differs(seen)),
        (_("Refused"), number(rejected), ""),
        (_("Members to be made"), number(seen.get("members", 0)), ""),
    ]
    if seen.get("refunds"):
        matched = _("about %(count)s find their purchase", count=number(seen.get("refunds_matched", 0)))
        tiles.append((_("Returned lines"), number(seen["refunds"]), matched))
    labels = kind_of(found.kind).counts
    tiles += [(str(labels[key]), number(seen[key]), "") for key in ("emails", "phones", "consents") if key in seen]
    return tiles


def _anonymous(seen: dict[str, Any]) -> str:
    return (
        _("%(count)s of all lines without a customer", count=number(seen["anonymous"])) if seen.get("anonymous") else ""
    )


def _differs(seen: dict[str, Any]) -> str:
    count = seen.get("differs", 0)
    return _("%(count)s more are compared line by line", count=number(count)) if count else ""


def result_tiles(found: Import) -> list[tuple[str, str]]:
    """Label and figure of what happened."""
    figures = chunks.summary(found)
    tiles = [
        (_("Taken"), number(figures["taken"])),
        (_("Known already"), number(figures["unchanged"])),
        (_("Refused"), number(figures["rejected"])),
    ]
    for key, label in kind_of(found.kind).counts.items():
        show = points if key.startswith("points") else number
        tiles.append((str(label), show(figures.get(key, 0))))
    return tiles


def months_chart(found: Import) -> dict[str, Any] | None:
    """The total per month as chart data, None when there is nothing to draw."""
    months = found.preview.get("months") or []
    if len(months) < 2:
        return None
    currency = tenant_info().currency
    digits = get_currency_precision(currency)
    values = [float(Decimal(total).scaleb(-digits)) for _month, total in months]
    label = _("Total in %(currency)s", currency=currency)
    return {
        "x": [month for month, _total in months],
        "time": False,
        "series": [{"label": label, "values": values, "kind": "bar"}],
        "unit": currency,
    }


def refused_reasons(found: Import) -> list[list[str]]:
    """Reason, column and number of rows, the most frequent first."""
    return [
        [summary_reason(code), column or "–", number(count)]
        for code, column, count in queries.refused_by_reason(found.id)
    ]


def refused_rows(found: Import, *, limit: int = 20) -> list[list[str]]:
    """Line, column, reason and the row itself, for the first refused rows."""
    return [
        [
            number(row.line),
            row.column_name or "–",
            row_reason(row.code, row.detail),
            " · ".join(row.cells)[:120] or row.document,
        ]
        for row in queries.refused(found.id, limit=limit)
    ]


def findings_head() -> list[str]:
    """The columns of `findings`."""
    return [_("Document"), _("Customer"), _("Product"), _("Quantity"), _("Amount")]


def findings(found: Import, *, limit: int = 20) -> list[list[str]]:
    """Document, customer, product, quantity and amount of what deserves a look."""
    found_lines = kind_of(found.kind).findings(found.id, limit=limit)
    return [
        [line.document, line.who or "–", line.what, line.quantity, money(line.amount_minor)] for line in found_lines
    ]


def problem(found: Import) -> str:
    """Why an import failed or could not be undone, as a sentence."""
    return file_reason(found.problem, {}) if found.problem else ""
