"""The one list component: search, filters, sort, cursor paging and CSV, all in the URL, in one or two queries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, select
from werkzeug.datastructures import MultiDict

from config.extensions import db
from tenants import keyset
from tenants.access import may
from tenants.errors import Denied
from tenants.formats import number
from tenants.keyset import Cursor, Order, Way
from tenants.listing_cells import csv_response, shown
from tenants.listing_parts import Choice, Column, DateRange, Empty, Statement
from tenants.web import page

COUNT_CAP = 1000
LONGEST_SEARCH = 100

__all__ = ["COUNT_CAP", "Choice", "Column", "DateRange", "Empty", "Listing", "View"]


@dataclass(frozen=True)
class Listing:
    """The declaration of a list; docs/ui.md shows one. Several on a page: set `prefixed` on each."""

    id: str
    columns: Sequence[Column]
    key: Any
    sort: str
    search: Callable[[Statement, str], Statement] | None = None
    search_hint: Any = ""
    filters: Sequence[Choice | DateRange] = ()
    link: Callable[[Any], str] | None = None
    empty: Empty | None = None
    size: int = 50
    count: bool = True
    csv: bool = True
    export_needs: str = ""
    caption: Any = ""
    prefixed: bool = False

    def respond(self, statement: Statement, template: str, **context: Any) -> Response:
        """The page, the list alone for htmx, or the whole filtered list as CSV."""
        if self.csv and request.args.get(self.word("format")) == "csv":
            return self.export(statement)
        view = self.page(statement)
        alone = request.headers.get("HX-Target") == f"{self.id}-list"
        response = page(template, "_ui/_list.html" if alone else None, listing=view, **context)
        response.headers.add("Vary", "HX-Target")
        if alone:
            response.headers["HX-Push-Url"] = view.url()
        return response

    def page(self, statement: Statement) -> View:
        """The page that the URL asks for."""
        return View(self, statement, request.args)

    def export(self, statement: Statement) -> Response:
        """The filtered list as CSV, in the asked order. Raises Denied without the permission."""
        if self.export_needs and not may(self.export_needs):
            raise Denied
        view = View(self, statement, request.args, fetch=False)
        return csv_response(self, keyset.ordered(view.narrowed, view.order), entities=view.entities)

    def word(self, name: str) -> str:
        """The URL word of this list for a name."""
        return f"{self.id}.{name}" if self.prefixed else name


@dataclass
class RowView:
    """A row as the table shows it."""

    item: Any
    url: str

    def cell(self, column: ColumnView) -> Any:
        """What stands in a column, as safe markup."""
        return shown(column.column, self.item)


@dataclass(frozen=True)
class ColumnView:
    """A column head: its label as text, where a click sorts to, and the present direction."""

    column: Column
    label: str
    css: str
    sort_url: str = ""
    direction: str = ""


@dataclass(frozen=True)
class FilterView:
    """A filter with its present value."""

    kind: str
    name: str
    label: Any
    value: Any
    options: Sequence[tuple[Any, Any]] = ()


class View:
    """One page of a list: its rows and the addresses that lead from it. Templates read it."""

    def __init__(
        self, listing: Listing, statement: Statement, args: MultiDict[str, str], *, fetch: bool = True
    ) -> None:
        self.listing = listing
        self.args = args
        self.id, self.caption = listing.id, listing.caption
        self.text = args.get(listing.word("q"), "").replace("\0", "").strip()[:LONGEST_SEARCH]
        self.order = self._order()
        self.narrowed = self._narrow(statement)
        described = statement.column_descriptions
        self.entities = len(described) == 1 and described[0]["expr"] is described[0]["entity"]
        self.rows: list[RowView] = []
        self.total: int | None = None
        self.previous_url = self.next_url = ""
        if fetch:
            self._fetch()

    # ---- what the URL asks

    def name(self, word: str) -> str:
        """The URL word for a name."""
        return self.listing.word(word)

    def _order(self) -> Order:
        sortable = {column.name: column for column in self.listing.columns if column.sort is not None}
        asked = self.args.get(self.name("sort"), "")
        chosen = asked if asked.removeprefix("-") in sortable else self.listing.sort
        direction: keyset.Direction = "desc" if chosen.startswith("-") else "asc"
        column = sortable[chosen.removeprefix("-")]
        return Order(f"{self.id}:{chosen}", column.sort, self.listing.key, direction)

    def _value(self, one: Choice | DateRange) -> Any:
        name = self.name(one.name)
        if isinstance(one, Choice):
            return self.args.get(name, "")
        return self.args.get(f"{name}_from", ""), self.args.get(f"{name}_to", "")

    def _narrow(self, statement: Statement) -> Statement:
        for one in self.listing.filters:
            statement = one.apply(statement, self._value(one))
        if self.text and self.listing.search:
            statement = self.listing.search(statement, self.text)
        return statement

    # ---- the rows

    def _fetch(self) -> None:
        way, cursor = self._cursor()
        found = self._query(way, cursor)
        if not found and cursor:  # the rows of that page are gone
            way, cursor = "after", None
            found = self._query(way, cursor)
        more = len(found) > self.listing.size
        found = found[: self.listing.size]
        if way == "before":
            found.reverse()
        self._place(found, more=more, way=way, cursor=cursor)
        link = self.listing.link
        items = [row[0] if self.entities else row for row in found]
        self.rows = [RowView(item, link(item) if link else "") for item in items]
        if cursor is None and not more:
            self.total = len(found)
        elif self.listing.count:
            self.total = self._count()

    def _cursor(self) -> tuple[Way, Cursor | None]:
        ways: tuple[Way, Way] = ("after", "before")
        for way in ways:
            cursor = keyset.load(self.args.get(self.name(way), ""), order=self.order.name)
            if cursor:
                return way, cursor
        return "after", None

    def _query(self, way: Way, cursor: Cursor | None) -> list[Any]:
        statement = keyset.ordered(self.narrowed, self.order, way=way).limit(self.listing.size + 1)
        if cursor:
            statement = statement.where(keyset.beyond(cursor, self.order, way=way))
        extra = self.order.expression.label("sort_"), self.order.key.label("key_")
        return list(db.session.execute(statement.add_columns(*extra)).all())

    def _place(self, found: list[Any], *, more: bool, way: Way, cursor: Cursor | None) -> None:
        if not found:
            return
        if more or way == "before":
            self.next_url = self._step("after", found[-1])
        if (way == "after" and cursor) or (way == "before" and more):
            self.previous_url = self._step("before", found[0])

    def _step(self, way: Way, row: Any) -> str:
        return self.url(**{way: keyset.dump(Cursor(row[-2], row[-1]), order=self.order.name)})

    def _count(self) -> int:
        ids = self.narrowed.with_only_columns(self.listing.key, maintain_column_froms=True).order_by(None)
        return int(db.session.scalar(select(func.count()).select_from(ids.limit(COUNT_CAP + 1).subquery())) or 0)

    # ---- addresses

    def url(self, **changes: str) -> str:
        """The present address with other words for this list; a page always starts anew unless it is named."""
        words = {key: value for key, value in self.args.items() if value}
        for name in ("after", "before", "format"):
            words.pop(self.name(name), None)
        words.update({self.name(name): value for name, value in changes.items()})
        return self._address({key: value for key, value in words.items() if value})

    def _address(self, words: Mapping[str, str]) -> str:
        return self.base_url + (f"?{urlencode(words)}" if words else "")

    @property
    def base_url(self) -> str:
        """The page without any words."""
        return (request.script_root or "") + request.path

    @property
    def _own(self) -> set[str]:
        names = {"q", "after", "before", "format"}
        for one in self.listing.filters:
            names |= {one.name} if isinstance(one, Choice) else {f"{one.name}_from", f"{one.name}_to"}
        return {self.name(name) for name in names}

    @property
    def kept(self) -> list[tuple[str, str]]:
        """Words of the address that a search must not lose."""
        return [(key, value) for key, value in self.args.items() if key not in self._own and value]

    @property
    def clear_url(self) -> str:
        """The list without search and filters."""
        return self._address(dict(self.kept))

    @property
    def csv_url(self) -> str:
        """The whole filtered list as a file; empty where that is not allowed."""
        allowed = self.listing.csv and (not self.listing.export_needs or may(self.listing.export_needs))
        return self.url(format="csv") if allowed else ""

    # ---- what the table says

    @cached_property
    def columns(self) -> list[ColumnView]:
        """The column heads; made once, since every cell asks for its label."""
        return [self._head(column) for column in self.listing.columns]

    def _head(self, column: Column) -> ColumnView:
        label = str(column.label)
        if column.sort is None:
            return ColumnView(column, label, column.css)
        current = self.order.name.partition(":")[2]
        direction = self.order.direction if current.removeprefix("-") == column.name else ""
        url = self.url(sort=f"-{column.name}" if direction == "asc" else column.name)
        return ColumnView(column, label, column.css, url, direction)

    @property
    def filters(self) -> list[FilterView]:
        """The filters with their values."""
        return [
            FilterView(
                one.kind,
                self.name(one.name),
                one.label,
                self._value(one),
                one.choices() if isinstance(one, Choice) else (),
            )
            for one in self.listing.filters
        ]

    @property
    def filtered(self) -> bool:
        """Whether a search or a filter is set."""
        return any(self.args.get(name) for name in self._own - {self.name(w) for w in ("after", "before", "format")})

    @property
    def searchable(self) -> bool:
        """Whether there is a search box."""
        return self.listing.search is not None

    @property
    def search_hint(self) -> Any:
        """What the search box understands."""
        return self.listing.search_hint

    @property
    def has_tools(self) -> bool:
        """Whether there is anything above the table; a list without rows and filters needs no search."""
        return (self.searchable or bool(self.listing.filters)) and (bool(self.rows) or self.filtered)

    @property
    def linked(self) -> bool:
        """Whether rows lead somewhere."""
        return self.listing.link is not None

    @property
    def empty(self) -> Empty:
        """What to say when there is nothing."""
        return self.listing.empty or Empty(_("Nothing here yet"))

    @property
    def summary(self) -> str:
        """How many rows there are, as far as counting is cheap."""
        if self.total is None:
            return ""
        if self.total > COUNT_CAP:
            return _("More than %(num)s", num=number(COUNT_CAP))
        return ngettext("%(shown)s entry", "%(shown)s entries", self.total, shown=number(self.total))
