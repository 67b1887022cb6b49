"""Which column means what: fields of a kind, guesses from names and samples, and the saved answer. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from flask_babel import LazyString

from .values import (
    DATE_ORDERS,
    DECIMAL_MARKS,
    DateGuess,
    guess_date_order,
    guess_decimal_mark,
    parse_decimal,
    parse_flag,
)

FieldType = Literal["id", "text", "moment", "number", "money", "flag"]
# Columns that Perennial adds to a file of refused rows; a mended file brings them back.
MARK, MARK_COLUMN, MARK_REASON = MARKS = ("perennial_row", "perennial_column", "perennial_reason")


@dataclass(frozen=True)
class Field:
    """One thing a kind of import wants to know. `aliases` are normalised header names, the surest first."""

    key: str
    label: LazyString
    type: FieldType
    aliases: tuple[str, ...]
    required: bool = False
    parts: tuple[str, ...] = ()  # names that point here when they are only part of a header


@dataclass(frozen=True)
class Mapping:
    """Field to column name, and how dates and decimals are written."""

    columns: dict[str, str]
    date_order: str = "ymd"
    decimal_mark: str = "."
    notes: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The mapping as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Mapping:
        """The mapping that `as_dict` wrote; unknown date orders and marks fall back to the defaults."""
        order = data.get("date_order") if data.get("date_order") in DATE_ORDERS else "ymd"
        mark = data.get("decimal_mark") if data.get("decimal_mark") in DECIMAL_MARKS else "."
        return cls(dict(data.get("columns", {})), str(order), str(mark), dict(data.get("notes", {})))

    def indexes(self, columns: Sequence[str]) -> dict[str, int]:
        """Field to position in a row; fields whose column is not there are left out."""
        places = {name: index for index, name in enumerate(columns)}
        return {key: places[name] for key, name in self.columns.items() if name in places}

    def missing(self, fields: Iterable[Field], columns: Sequence[str]) -> list[Field]:
        """The required fields without a column."""
        found = self.indexes(columns)
        return [item for item in fields if item.required and item.key not in found]


def normal(name: str) -> str:
    """A header name for comparing: narrow, lower case, letters and digits only."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name).lower())


def signature(kind: str, columns: Sequence[str]) -> str:
    """What files with the same columns share; the columns we added to refused rows do not count."""
    names = "\x1f".join(normal(name) for name in columns if name not in MARKS)
    return hashlib.sha256(f"{kind}\x1e{names}".encode()).hexdigest()[:32]


def guess(
    fields: Sequence[Field], columns: Sequence[str], rows: Sequence[Sequence[str]], *, prefer: str = "dmy"
) -> Mapping:
    """The likeliest mapping: each column to one field, the surest pairs first, values must fit the field."""
    samples = {name: [row[index] for row in rows if index < len(row)] for index, name in enumerate(columns)}
    pairs = sorted(
        (
            (-score, position, place, item.key, name)
            for position, item in enumerate(fields)
            for place, name in enumerate(columns)
            if name not in MARKS and (score := _score(item, name, samples[name], prefer))
        ),
    )
    chosen: dict[str, str] = {}
    for *_ranks, key, name in pairs:
        if key not in chosen and name not in chosen.values():
            chosen[key] = name
    return _with_formats(fields, chosen, samples, prefer)


def _with_formats(
    fields: Sequence[Field], chosen: dict[str, str], samples: dict[str, list[str]], prefer: str
) -> Mapping:
    dates = [samples[chosen[item.key]] for item in fields if item.type == "moment" and item.key in chosen]
    numbers = [samples[chosen[item.key]] for item in fields if item.type in ("number", "money") and item.key in chosen]
    order = guess_date_order(dates[0], prefer=prefer) if dates else DateGuess("ymd", (), 0.0)
    mark, unsure = guess_decimal_mark(text for column in numbers for text in column)
    notes = {"date_also": [other for other in order.also if other in ("ymd", "dmy", "mdy")], "decimal_unsure": unsure}
    return Mapping(chosen, order.order, mark, notes)


def _score(item: Field, name: str, samples: Sequence[str], prefer: str) -> int:
    header = normal(name)
    if header in item.aliases:
        score = 1000 - item.aliases.index(header)
    else:
        part = max((part for part in (*item.parts, *item.aliases) if _inside(part, header)), key=len, default="")
        if not part:
            return 0
        score = 300 + round(300 * len(part) / len(header))
    return score if _fits(item, samples, prefer) else 0


def _inside(part: str, header: str) -> bool:
    return len(part) >= (2 if part[0] > "\u2e80" else 4) and part in header


def _fits(item: Field, samples: Sequence[str], prefer: str) -> bool:
    """Whether the samples of a column could be values of the field (most of those that are not empty)."""
    texts = [text for text in samples if text.strip()]
    if not texts:
        return not item.required
    if item.type == "moment":
        return guess_date_order(texts, prefer=prefer).share >= 0.5
    if item.type in ("number", "money"):
        hits = sum(1 for text in texts if any(parse_decimal(text, mark) is not None for mark in DECIMAL_MARKS))
        return hits * 2 >= len(texts)
    if item.type == "flag":
        return sum(1 for text in texts if parse_flag(text) is not None) * 2 >= len(texts)
    return True
