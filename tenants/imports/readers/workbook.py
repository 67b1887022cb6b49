"""XLSX workbooks, streamed row by row; cells become the text a person would have typed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from .formats import Problem, RawRow, Unreadable
from .text import MAX_UNPACKED

_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"})


def read_workbook(data: bytes, sheet: str = "", width: int = 0, *, after: int = 0) -> Iterator[RawRow]:
    """The rows below row `after` of a sheet (default: the first with content); raises Unreadable."""
    book = _open(data)
    try:
        page = book[sheet] if sheet in book.sheetnames else _first_with_content(book)
        for number, values in enumerate(page.iter_rows(values_only=True), start=1):
            if number <= after or all(value is None for value in values):
                continue
            cells = [_text(value) for value in values]
            yield _row(number, cells, width)
    finally:
        book.close()


def _row(number: int, cells: list[str], width: int) -> RawRow:
    if width:
        # A sheet pads its rows, and often drags empty columns along.
        while len(cells) > width and not cells[-1].strip():
            cells.pop()
        cells += [""] * (width - len(cells))
        if len(cells) > width:
            detail = {"expected": str(width), "found": str(len(cells))}
            return RawRow(number, cells, Problem("column_count", detail=detail))
    broken = next((cell for cell in cells if cell in _ERRORS), None)
    return RawRow(number, cells, Problem("formula", detail={"value": broken}) if broken else None)


def _open(data: bytes) -> Any:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(item.file_size for item in archive.infolist()) > MAX_UNPACKED:
                raise Unreadable("too_large")
        return load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
        raise Unreadable("broken_workbook") from error


def _first_with_content(book: Any) -> Any:
    for page in book.worksheets:
        if next(page.iter_rows(max_row=1, values_only=True), None):
            return page
    raise Unreadable("empty")


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else format(Decimal(repr(value)), "f")
    return str(value)
