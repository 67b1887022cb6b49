"""Why a row was refused, and why a file was: one sentence per stable code."""

from __future__ import annotations

from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

ROW_REASONS: dict[str, LazyString] = {
    "column_count": _l("This row has %(found)s columns, the header has %(expected)s."),
    "columns_shifted": _l("The text of this row does not stand under its columns."),
    "quoting": _l("A quotation mark in this row is not closed or stands in the wrong place."),
    "nul": _l("This row contains unreadable (NUL) characters."),
    "encoding": _l("This row contains characters that are not %(encoding)s."),
    "formula": _l("A cell holds the spreadsheet error %(value)s."),
    "missing": _l("This cell must not be empty."),
    "not_a_number": _l("“%(value)s” is not a number."),
    "not_a_date": _l("“%(value)s” is not a date in the chosen order."),
    "not_yes_or_no": _l("“%(value)s” is neither yes nor no."),
    "in_the_future": _l("The date %(value)s lies in the future."),
    "quantity_zero": _l("The quantity is 0."),
    "too_large": _l("“%(value)s” is too large."),
    "too_long": _l("This cell is longer than %(limit)s characters."),
    "other_currency": _l("The currency is %(value)s; this programme counts in %(currency)s."),
    "two_members": _l("Document %(document)s names more than one customer."),
    "event_differs": _l("Document %(document)s was recorded before with another content. Nothing was changed."),
    "unknown_member": _l("There is no member with the number %(value)s."),
    "twice": _l("The number %(value)s stands in this file more than once."),
    "bad_email": _l("“%(value)s” is not an e-mail address."),
    "bad_phone": _l("“%(value)s” is not a telephone number."),
    "no_such_choice": _l("“%(value)s” is not one of the known values."),
}

# The same where rows are counted by reason and their particulars differ.
SUMMARIES: dict[str, LazyString] = {
    "column_count": _l("The number of columns is not that of the header."),
    "encoding": _l("There are characters that do not belong to the character set."),
    "formula": _l("A cell holds the error of a spreadsheet."),
    "not_a_number": _l("This is not a number."),
    "not_a_date": _l("This is not a date in the chosen order."),
    "not_yes_or_no": _l("This is neither yes nor no."),
    "in_the_future": _l("The date lies in the future."),
    "too_large": _l("The figure is too large."),
    "too_long": _l("The cell is too long."),
    "other_currency": _l("The currency is not that of the programme."),
    "two_members": _l("The document names more than one customer."),
    "event_differs": _l("The document was recorded before with another content. Nothing was changed."),
    "unknown_member": _l("There is no member with this number."),
    "twice": _l("The number stands in this file more than once."),
    "bad_email": _l("This is not an e-mail address."),
    "bad_phone": _l("This is not a telephone number."),
    "no_such_choice": _l("This is not one of the known values."),
}

FILE_REASONS: dict[str, LazyString] = {
    "empty": _l("This file is empty."),
    "too_large": _l("This file is too large. Divide it and upload the parts."),
    "too_many_lines": _l("This file has more than %(limit)s lines. Divide it and upload the parts."),
    "broken_archive": _l("This compressed file is damaged. Pack it again or upload it unpacked."),
    "broken_workbook": _l("This workbook cannot be opened. Save it again as XLSX or as CSV."),
    "old_excel": _l("This is an old Excel file (XLS). Save it as XLSX or as CSV and upload that."),
    "no_table": _l("This file is not a table. Upload CSV, XLSX or a fixed-width text file."),
    "no_rows": _l("This file has a header but no rows."),
    "gone": _l("The uploaded file is no longer stored. Upload it again."),
    "import_in_use": _l("This import cannot be undone: its points were spent or its purchases were returned since."),
    "unmapped": _l("Not every needed column was found: %(columns)s."),
    "nothing_readable": _l("None of the rows could be read."),
}


def row_reason(code: str, detail: dict[str, Any]) -> str:
    """The sentence for a refused row, in the reader's language."""
    sentence = str(ROW_REASONS[code]) if code in ROW_REASONS else code
    return sentence % detail if detail else sentence


def summary_reason(code: str) -> str:
    """The sentence for all rows refused with this code."""
    return str(SUMMARIES.get(code) or ROW_REASONS.get(code, code))


def file_reason(code: str, detail: dict[str, Any]) -> str:
    """The sentence for a refused file, in the reader's language."""
    sentence = str(FILE_REASONS[code]) if code in FILE_REASONS else code
    return sentence % detail if detail else sentence
