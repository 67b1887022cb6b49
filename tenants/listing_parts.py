"""What a list is declared of: columns, filters, and what it says when it is empty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import DateTime, Select

from tenants.formats import start_of_day
from tenants.listing_cells import NUMERIC
from tenants.ui import url_or_empty

Statement = Select[Any]
Options = Sequence[tuple[Any, Any]] | Callable[[], Sequence[tuple[Any, Any]]]


@dataclass(frozen=True)
class Column:
    """A column: `value(row)` or the row's attribute of that name, shown by a filter or by a macro `cell`."""

    name: str
    label: Any
    sort: Any = None
    value: Callable[[Any], Any] | None = None
    cell: str = ""
    format: str = ""
    csv: Callable[[Any], Any] | None = None
    export: bool = True

    def of(self, row: Any) -> Any:
        """This column's value of a row."""
        return self.value(row) if self.value else getattr(row, self.name, None)

    @property
    def css(self) -> str:
        """Class of its cells: figures stand at the end, dates are never broken."""
        return "num" if self.format in NUMERIC else ("nowrap" if self.format in {"day", "moment", "ago"} else "")


@dataclass(frozen=True)
class Choice:
    """A filter with a fixed choice: on a column, or `where(statement, value)` for anything else."""

    name: str
    label: Any
    column: Any = None
    options: Options = ()
    where: Callable[[Statement, Any], Statement] | None = None
    kind = "choice"

    def choices(self) -> Sequence[tuple[Any, Any]]:
        """Its (value, label) pairs."""
        return self.options() if callable(self.options) else self.options

    def apply(self, statement: Statement, word: Any) -> Statement:
        """Narrow the statement; a word that is no choice narrows nothing."""
        chosen = [value for value, _label in self.choices() if str(value) == word]
        if not chosen:
            return statement
        return self.where(statement, chosen[0]) if self.where else statement.where(self.column == chosen[0])


@dataclass(frozen=True)
class DateRange:
    """A filter from one day to another, both included, in the tenant's zone."""

    name: str
    label: Any
    column: Any
    kind = "range"

    def apply(self, statement: Statement, words: tuple[str, str]) -> Statement:
        """Narrow the statement; what is no date narrows nothing."""
        first, last = _date(words[0]), _date(words[1])
        instants = isinstance(self.column.type, DateTime)
        if first:
            statement = statement.where(self.column >= (start_of_day(first) if instants else first))
        if last:
            end = last + timedelta(days=1)
            statement = statement.where(self.column < (start_of_day(end) if instants else end))
        return statement


@dataclass(frozen=True)
class Empty:
    """What a list without any row says, and the next step."""

    title: Any
    text: Any = ""
    endpoint: str = ""
    action: Any = ""
    icon: str = "inbox"

    @property
    def url(self) -> str:
        """Where the next step is; empty when the step's page does not exist."""
        return url_or_empty(self.endpoint) if self.endpoint else ""


def _date(word: str) -> date | None:
    try:
        return date.fromisoformat(word) if word else None
    except ValueError:
        return None
