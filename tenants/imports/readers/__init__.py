"""Pure file readers: `sniff` says what a file is, `read` gives its rows, `first_rows` a look at them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from tenants.imports.values import looks_like_value

from .columns import cut, guess_cuts, read_columns
from .delimited import guess_delimiter, read_delimited
from .formats import Format, Problem, RawRow, Unreadable, column_names
from .text import to_lines, unpack
from .workbook import read_workbook

__all__ = ["Format", "Problem", "RawRow", "Unreadable", "first_rows", "read", "reformat", "sniff"]

_PREAMBLE = 20  # title lines that may stand above the header


def sniff(data: bytes, *, encoding: str = "") -> Format:
    """How to read a file, from its bytes alone; `encoding` overrides the guess. Raises Unreadable."""
    if not data.strip():
        raise Unreadable("empty")
    if data[:4] == b"PK\x03\x04":
        return _sniff_workbook(data)
    if data[:4] == b"\xd0\xcf\x11\xe0":
        raise Unreadable("old_excel")
    if data[:5] in (b"%PDF-", b"\x89PNG\r") or data[:3] == b"\xff\xd8\xff":
        raise Unreadable("no_table")
    text = to_lines(unpack(data), encoding)
    if not text.lines:
        raise Unreadable("empty")
    head = "\n".join(text.lines[:50])
    if sum(1 for character in head if character < " " and character not in "\n\t\f") * 20 > len(head):
        raise Unreadable("no_table")
    found = guess_delimiter(text.lines)
    if found:
        rows = list(islice(read_delimited(text, found[0], found[1]), 60))
        base = Format("delimited", (), encoding=text.encoding, delimiter=found[0])
        return _with_header(base, rows, found[1])
    return _sniff_columns(text.lines, text.encoding)


def _sniff_columns(lines: list[str], encoding: str) -> Format:
    guess = guess_cuts(lines)
    if guess is None:
        return _with_header(Format("delimited", (), encoding=encoding), [RawRow(1, [lines[0]])], 1)
    cuts, width = guess
    # A header over fixed columns is often out of line with them: its words count, not their positions.
    words = lines[0].split()
    head = words if len(words) == width else cut(lines[0], cuts)
    rows = [RawRow(1, head), *(RawRow(i + 2, cut(line, cuts)) for i, line in enumerate(lines[1:60]))]
    return _with_header(Format("columns", (), encoding=encoding, cuts=cuts), rows, width)


def _sniff_workbook(data: bytes) -> Format:
    rows = list(islice(read_workbook(data), 60))
    if not rows:
        raise Unreadable("empty")
    filled = Counter(max((i + 1 for i, cell in enumerate(row.cells) if cell), default=0) for row in rows)
    width = max(filled, key=lambda count: (filled[count] > 1, count))
    base = Format("workbook", (), encoding="")
    return _with_header(base, [row._replace(problem=None) for row in rows], max(width, 1))


def _with_header(base: Format, rows: list[RawRow], width: int) -> Format:
    """Find the header among the first rows: the first full one whose cells are no figures or dates."""
    for row in rows[:_PREAMBLE]:
        if row.problem or len(row.cells) < width:
            continue
        names = [cell for cell in row.cells[:width] if cell.strip()]
        if len(names) * 2 < width:
            continue
        if any(looks_like_value(name) for name in names):
            return replace(base, header_line=0, columns=column_names([], width), skip_lines=row.line - 1)
        return replace(base, header_line=row.line, columns=column_names(row.cells, width))
    return replace(base, header_line=0, columns=column_names([], width))


def reformat(data: bytes, current: Format, *, encoding: str = "", header: bool | None = None) -> Format:
    """The format after a person changed the encoding or said whether the first line is a header."""
    fresh = sniff(data, encoding=encoding or current.encoding) if encoding != current.encoding else current
    if header is None or header == bool(fresh.header_line):
        return fresh
    width = len(fresh.columns)
    if not header:
        return replace(fresh, header_line=0, columns=column_names([], width), skip_lines=0)
    first = next(iter(read(data, replace(fresh, header_line=0))), None)
    cells = first.cells if first else []
    return replace(fresh, header_line=first.line if first else 1, columns=column_names(cells, width))


def read(data: bytes, form: Format) -> Iterator[RawRow]:
    """Every row below the header, good and bad, in the order of the file."""
    after, width = max(form.header_line, form.skip_lines), len(form.columns)
    if form.shape == "workbook":
        return read_workbook(data, form.sheet, width, after=after)
    text = to_lines(unpack(data), form.encoding)
    if form.shape == "columns":
        return read_columns(text, form.cuts, width, start=after)
    return read_delimited(text, form.delimiter, width, start=after)


def first_rows(data: bytes, form: Format, *, count: int = 200) -> list[RawRow]:
    """The first `count` good rows, for guesses and samples."""
    return list(islice((row for row in read(data, form) if row.problem is None), count))
