"""Fixed-width text: cut at runs of blanks where every line has the same number of words, else at blank columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from .formats import Problem, RawRow
from .text import Lines


def guess_cuts(lines: list[str]) -> tuple[tuple[int, ...], int] | None:
    """How to cut: (), n where words do (n words a line), or the starts of the columns; None if it is no table."""
    body = [line for line in lines[1:2001] if line.strip()] or [line for line in lines if line.strip()]
    if not body:
        return None
    width, hits = Counter(len(line.split()) for line in body).most_common(1)[0]
    if width >= 2 and hits >= 0.98 * len(body):
        return (), width
    starts = _under_header(_blank_columns(body), lines[0])
    return (starts, len(starts)) if len(starts) >= 2 else None


def _blank_columns(lines: list[str]) -> tuple[int, ...]:
    """Positions where a column of text starts: not blank there in some line, blank just before in every line."""
    longest = max(len(line) for line in lines)
    used = [False] * longest
    for line in lines:
        for position, character in enumerate(line):
            if character not in " \t":
                used[position] = True
    return tuple(i for i in range(longest) if used[i] and (i == 0 or not used[i - 1]))


def _under_header(starts: tuple[int, ...], header: str) -> tuple[int, ...]:
    """Join columns that have no word of the header above them to the one before: names have blanks inside."""
    words = [match.span() for match in re.finditer(r"\S+", header)]
    if not words or len(words) >= len(starts):
        return starts
    ends = [*starts[1:], max(len(header), starts[-1] + 1)] if starts else []
    kept = [a for a, b in zip(starts, ends, strict=True) if any(first < b and last > a for first, last in words)]
    return tuple(kept) if len(kept) == len(words) else starts


def cut(line: str, cuts: tuple[int, ...]) -> list[str]:
    """The cells of one line: its words, or the slices between the cuts."""
    if not cuts:
        return line.split()
    bounds = [*cuts[1:], None]
    return [line[start:end].strip() for start, end in zip(cuts, bounds, strict=True)]


def read_columns(text: Lines, cuts: tuple[int, ...], width: int, *, start: int = 0) -> Iterator[RawRow]:
    """The rows from line index `start` on, in the way of `read_delimited`."""
    for index in range(start, len(text.lines)):
        line = text.lines[index]
        if not line.strip():
            continue
        cells = cut(line, cuts)
        if "\0" in line:
            yield RawRow(index + 1, [line.replace("\0", "\ufffd")], Problem("nul"))
        elif index in text.undecodable:
            yield RawRow(index + 1, cells, Problem("encoding", detail={"encoding": text.encoding}))
        elif len(cells) != width:
            detail = {"expected": str(width), "found": str(len(cells))}
            yield RawRow(index + 1, cells, Problem("column_count", detail=detail))
        elif cuts and any(start and line[start - 1 : start].strip() for start in cuts):
            yield RawRow(index + 1, [line], Problem("columns_shifted"))
        else:
            yield RawRow(index + 1, cells)
