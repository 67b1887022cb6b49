"""What a reader says about a file (`Format`) and hands on row by row (`RawRow`)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple

Shape = Literal["delimited", "columns", "workbook"]


class Problem(NamedTuple):
    """Why a row was refused: a stable code, the column (name or empty) and what fills the sentence."""

    code: str
    column: str = ""
    detail: dict[str, str] = {}  # noqa: RUF012 (a NamedTuple default; never written to)


class RawRow(NamedTuple):
    """One row as it stands in the file: physical line (from 1), its cells, and what is wrong with it."""

    line: int
    cells: list[str]
    problem: Problem | None = None


@dataclass(frozen=True)
class Format:
    """How to read a file: shape, encoding, delimiter or cuts, the line of the header (0 = none) and the columns."""

    shape: Shape
    columns: tuple[str, ...]
    header_line: int = 1
    encoding: str = "utf-8"
    delimiter: str = ","
    cuts: tuple[int, ...] = ()
    sheet: str = ""
    skip_lines: int = 0
    notes: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The format as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Format:
        """The format that `as_dict` wrote."""
        known = {**data, "columns": tuple(data["columns"]), "cuts": tuple(data.get("cuts", ()))}
        return cls(**known)


class Unreadable(Exception):
    """The file as a whole cannot be read; `code` names the sentence."""

    def __init__(self, code: str, **detail: str) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


def column_names(cells: list[str], width: int) -> tuple[str, ...]:
    """Names for `width` columns from a header row: trimmed, never empty, never twice."""
    names: list[str] = []
    for index in range(width):
        name = " ".join(cells[index].split()) if index < len(cells) else ""
        name = name.strip("\ufeff") or f"Column {index + 1}"
        while name in names:
            name += " ·"
        names.append(name)
    return tuple(names)
