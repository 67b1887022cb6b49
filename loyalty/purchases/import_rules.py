"""Rows of a file to purchase and refund documents: the row rules of the import. Pure.

A document is what shares a document number; without such a column customer and date make one. It
takes the earliest of its timestamps. A line's number is its place among the rows of its document,
so that identical lines both count.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from tenants.imports.kinds import Context, Document, Refusal, Staged
from tenants.imports.mapping import MARK, Mapping
from tenants.imports.readers import RawRow
from tenants.imports.values import clean_id, fold, moment_reader, number_reader, to_minor

CANCELLED = re.compile(r"[Cc]-?\d")
_MOST = Decimal(10) ** 9
_ID_LIMIT, _TEXT_LIMIT = 100, 300
ZERO = Decimal(0)


class Row(NamedTuple):
    """A readable row: refund lines have positive figures and `refund` set. `at` is local and naive."""

    line: int
    document: str
    member: str
    at: datetime
    sku: str
    description: str
    category: str
    place: str
    quantity: Decimal
    price: Decimal
    amount: int
    refund: bool
    mark: str


class Bad(Exception):
    """A cell that cannot be taken."""

    def __init__(self, code: str, field: str, **detail: str) -> None:
        super().__init__(code)
        self.code, self.field, self.detail = code, field, detail


class RowReader:
    """Reads the cells of one file's rows, with a cache for each column."""

    def __init__(self, columns: Sequence[str], mapping: Mapping, context: Context) -> None:
        places = mapping.indexes(columns)
        self.names = {key: columns[place] for key, place in places.items()}
        self.place = {key: places.get(key, -1) for key in (
            "document", "member", "at", "sku", "description", "category", "quantity", "price", "amount",
            "currency", "place",
        )}  # fmt: skip
        self.mark = columns.index(MARK) if MARK in columns else -1
        self.context = context
        self.moment = moment_reader(mapping.date_order, context.zone)
        self.decimal = number_reader(mapping.decimal_mark)
        self._ids: dict[str, str] = {}
        self._texts: dict[str, str] = {}

    def _id(self, cells: list[str], key: str) -> str:
        place = self.place[key]
        if place < 0:
            return ""
        raw = cells[place]
        known = self._ids.get(raw)
        if known is None:
            known = self._ids[raw] = clean_id(raw)
        if len(known) > _ID_LIMIT:
            raise Bad("too_long", key, limit=str(_ID_LIMIT))
        return known

    def _text(self, cells: list[str], key: str) -> str:
        place = self.place[key]
        if place < 0:
            return ""
        raw = cells[place]
        known = self._texts.get(raw)
        if known is None:
            known = self._texts[raw] = fold(raw)[:_TEXT_LIMIT]
        return known

    def _number(self, cells: list[str], key: str) -> Decimal | None:
        place = self.place[key]
        if place < 0:
            return None
        raw = cells[place]
        value = self.decimal(raw)
        if value is None:
            raise Bad("not_a_number", key, value=fold(raw)) if raw.strip() else Bad("missing", key)
        if abs(value) > _MOST:
            raise Bad("too_large", key, value=fold(raw))
        return value

    def _at(self, cells: list[str]) -> datetime:
        raw = cells[self.place["at"]]
        moment = self.moment(raw)
        if moment is None:
            raise Bad("not_a_date", "at", value=fold(raw)) if raw.strip() else Bad("missing", "at")
        # A date alone counts from its first moment, so today is no future.
        if moment.at > self.context.now:
            raise Bad("in_the_future", "at", value=fold(raw))
        return moment.at

    def read(self, line: int, cells: list[str]) -> Row:
        """The row, or Bad."""
        document, member = self._id(cells, "document"), self._id(cells, "member")
        if not document and self.place["document"] >= 0:
            raise Bad("missing", "document")
        at, sku = self._at(cells), self._id(cells, "sku")
        if not sku and self.place["sku"] >= 0:
            raise Bad("missing", "sku")
        self._currency(cells)
        cancelled = bool(document) and document[0] in "Cc" and CANCELLED.match(document) is not None
        quantity, price, amount = self._money(cells)
        refund = cancelled or quantity < 0 or amount < 0
        if not document:
            document = f"{member or 'anonymous'}-{at:%Y-%m-%d}"
        return Row(
            line, document, member, at, sku, self._text(cells, "description"), self._text(cells, "category"),
            self._text(cells, "place"), abs(quantity), abs(price), abs(amount), refund,
            cells[self.mark].strip() if self.mark >= 0 else "",
        )  # fmt: skip

    def _currency(self, cells: list[str]) -> None:
        code = self._text(cells, "currency").upper()
        if code and code != self.context.currency:
            raise Bad("other_currency", "currency", value=code, currency=self.context.currency)

    def _money(self, cells: list[str]) -> tuple[Decimal, Decimal, int]:
        """Quantity, unit price and line amount in minor units; the amount column wins where there is one."""
        quantity = self._number(cells, "quantity")
        price, amount = self._number(cells, "price"), self._number(cells, "amount")
        if quantity is None:
            quantity = Decimal(1)
        if quantity == 0:
            raise Bad("quantity_zero", "quantity")
        if amount is None:
            amount = quantity * (price if price is not None else ZERO)
        elif price is None:
            price = (amount / quantity).quantize(Decimal("0.0001"))
        minor = to_minor(amount, self.context.exponent)
        if abs(minor) > 10**15:
            raise Bad("too_large", "amount" if self.place["amount"] >= 0 else "price", value=str(amount))
        return quantity, price if price is not None else ZERO, minor


def stage(rows: Iterable[RawRow], *, columns: Sequence[str], mapping: Mapping, context: Context) -> Staged:
    """All rows of a file: documents in date order, refusals, and the figures of the preview."""
    reader = RowReader(columns, mapping, context)
    refusals: list[Refusal] = []
    groups: dict[tuple[str, str], list[Row]] = {}
    lines = 0
    for raw in rows:
        lines += 1
        if raw.problem is not None:
            problem = raw.problem
            refusals.append(Refusal(raw.line, problem.code, problem.column, problem.detail, cells=raw.cells))
            continue
        try:
            row = reader.read(raw.line, raw.cells)
        except Bad as bad:
            column = reader.names.get(bad.field, "")
            refusals.append(Refusal(raw.line, bad.code, column, bad.detail, cells=raw.cells))
            continue
        groups.setdefault((row.document, row.mark), []).append(row)
    _refuse_two_members(groups, refusals, reader)
    return _assemble(lines, groups, refusals, context)


def _refuse_two_members(groups: dict[tuple[str, str], list[Row]], refusals: list[Refusal], reader: RowReader) -> None:
    """Refuse every row of a document that names two customers; a blank beside one customer takes that one."""
    for key, rows in list(groups.items()):
        if len(rows) == 1:
            continue
        members = {row.member for row in rows if row.member}
        if len(members) > 1:
            column, detail = reader.names.get("member", ""), {"document": key[0]}
            refusals.extend(Refusal(row.line, "two_members", column, detail, key[0]) for row in rows)
            del groups[key]
        elif members and any(not row.member for row in rows):
            (member,) = members
            groups[key] = [row._replace(member=member) for row in rows]


def _assemble(
    lines: int, groups: dict[tuple[str, str], list[Row]], refusals: list[Refusal], context: Context
) -> Staged:
    starts = {key: min(row.at for row in rows) for key, rows in groups.items()}
    first = min(starts.values(), default=None)
    last = max((row.at for rows in groups.values() for row in rows), default=None)
    shift = shift_for(first.date(), last.date(), context) if first and last else 0
    when = _instant_reader(context, shift)
    documents: list[Document] = []
    figures = _Figures()
    for (name, mark), rows in groups.items():
        at = starts[(name, mark)]
        instant = when(at)
        figures.add(rows, at, shift)
        bought, returned = _numbered(rows)
        for form, part in (("p", bought), ("r", returned)):
            if part:
                head = rows[0]
                data = [form, name, mark, head.member, instant.isoformat(), head.place, part]
                documents.append(Document(instant, len(part), data))
    documents.sort(key=lambda document: document.at)
    days = (first.date(), last.date()) if first and last else (None, None)
    return Staged(lines, documents, refusals, days[0], days[1], shift, figures.as_dict())


def shift_for(first: date, last: date, context: Context) -> int:
    """Whole days to move dates by: as an earlier import of the same data did, else so that `last` is yesterday."""
    if not context.shift_to_today:
        return 0
    known = context.known_shift(first, last)
    if known is not None:
        return known
    return 0 if context.only_known_shift else ((context.now.date() - timedelta(days=1)) - last).days


def _instant_reader(context: Context, shift: int) -> Callable[[datetime], datetime]:
    delta, zone = timedelta(days=shift), context.zone
    return lambda at: (at + delta).replace(tzinfo=zone).astimezone(UTC)


def _numbered(rows: list[Row]) -> tuple[list[list[Any]], list[list[Any]]]:
    """Bought and returned lines of a document as JSON values, numbered by their place in the file."""
    bought: list[list[Any]] = []
    returned: list[list[Any]] = []
    for number, row in enumerate(rows, start=1):
        line = [number, row.line, row.sku, row.description, str(row.quantity), str(row.price), row.amount, row.category]
        (returned if row.refund else bought).append(line)
    return bought, returned


class _Figures:
    """Counts for the preview, gathered while documents are made."""

    def __init__(self) -> None:
        self.members: set[str] = set()
        self.skus: set[str] = set()
        self.months: Counter[str] = Counter()
        self.anonymous = self.purchases = self.refund_lines = 0

    def add(self, rows: list[Row], at: datetime, shift: int) -> None:
        returned = sum(1 for row in rows if row.refund)
        self.refund_lines += returned
        self.purchases += returned < len(rows)
        member = rows[0].member
        if member:
            self.members.add(member)
        else:
            self.anonymous += len(rows)
        month = f"{at + timedelta(days=shift):%Y-%m}"
        self.months[month] += sum(-row.amount if row.refund else row.amount for row in rows)
        self.skus.update(row.sku for row in rows)

    def as_dict(self) -> dict[str, Any]:
        """The figures; `months` is the total per month in minor units."""
        return {
            "members": sorted(self.members),
            "skus": len(self.skus - {""}),
            "months": sorted(self.months.items()),
            "anonymous": self.anonymous,
            "purchases": self.purchases,
            "refunds": self.refund_lines,
        }
