"""Delimited text (CSV and its relatives), read so that one broken row never swallows the next ones."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator

from .formats import Problem, RawRow
from .text import Lines

DELIMITERS = (",", ";", "\t", "|")
MAX_SPAN = 50  # physical lines one quoted cell may run over; more is a forgotten quote
_SAMPLE = 300


def guess_delimiter(lines: list[str]) -> tuple[str, int] | None:
    """The delimiter that cuts most of the first lines into the same number (two or more) of cells, and that number."""
    best: tuple[float, int, str] | None = None
    sample = [line for line in lines[:_SAMPLE] if line.strip()]
    for delimiter in DELIMITERS:
        width, share = max(_widths(sample, delimiter), key=lambda found: found[1], default=(0, 0.0))
        if width < 2 or share < 0.6:
            continue
        score = (round(share, 1), width, delimiter)
        if best is None or score[:2] > best[:2]:
            best = score
    return (best[2], best[1]) if best else None


def _widths(sample: list[str], delimiter: str) -> Iterator[tuple[int, float]]:
    """The commonest number of cells and its share, line by line and with cells that run over lines."""
    try:
        whole = [len(cells) for cells in csv.reader(sample, delimiter=delimiter) if cells]
    except csv.Error:
        whole = []
    for counts in (Counter(len(_split(line, delimiter)) for line in sample), Counter(whole)):
        if counts:
            # On a tie the wider count: a header and one damaged row should follow the header.
            width, hits = max(counts.items(), key=lambda item: (item[1], item[0]))
            yield width, hits / counts.total()


def _split(line: str, delimiter: str) -> list[str]:
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except csv.Error:
        return []


def read_delimited(text: Lines, delimiter: str, width: int, *, start: int = 0) -> Iterator[RawRow]:
    """The rows from line index `start` on; a row of another width, with broken quotes or NULs carries its problem."""
    lines, index, total = text.lines, start, len(text.lines)
    while index < total:
        line, first, span = lines[index], index, 1
        cells: list[str] | None = line.split(delimiter)
        if '"' in line:
            cells, span = _quoted(lines, first, delimiter, width)
        elif not line.strip():
            index += 1
            continue
        index += span
        if cells is None:
            yield RawRow(first + 1, [line], Problem("quoting"))
        elif len(cells) != width and (problem := _fit(cells, width)):
            yield RawRow(first + 1, cells, problem)
        elif "\0" in line or first in text.undecodable:
            yield _damaged(first, line, cells, text.encoding)
        else:
            yield RawRow(first + 1, cells)


def _damaged(index: int, line: str, cells: list[str], encoding: str) -> RawRow:
    if "\0" in line:
        return RawRow(index + 1, [cell.replace("\0", "\ufffd") for cell in cells], Problem("nul"))
    return RawRow(index + 1, cells, Problem("encoding", detail={"encoding": encoding}))


def _fit(cells: list[str], width: int) -> Problem | None:
    """Drop empty cells beyond the width in place; otherwise the problem of the wrong number of columns."""
    found = len(cells)
    if found > width and not any(cell.strip() for cell in cells[width:]):
        del cells[width:]
        return None
    return Problem("column_count", detail={"expected": str(width), "found": str(found)})


def _quoted(lines: list[str], first: int, delimiter: str, width: int) -> tuple[list[str] | None, int]:
    """The cells of a row with quotes and the number of lines it runs over; None when its quotes do not close."""
    record = lines[first]
    for span in range(1, MAX_SPAN + 1):
        if record.count('"') % 2 == 0:
            try:
                cells = next(csv.reader([record], delimiter=delimiter, strict=True))
            except csv.Error:
                return None, 1
            # A row that closed only some lines later must fit, else the first line forgot a quote.
            return (cells, span) if span == 1 or len(cells) == width else (None, 1)
        following = first + span
        if following >= len(lines) or _stands_alone(lines[following], delimiter, width):
            return None, 1
        record += "\n" + lines[following]
    return None, 1


def _stands_alone(line: str, delimiter: str, width: int) -> bool:
    """Whether a line is a whole row by itself, so that it cannot be the inside of a quoted cell."""
    return width > 2 and line.count('"') % 2 == 0 and len(_split(line, delimiter)) == width
