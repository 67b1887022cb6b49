"""Paging by key: a page begins after the last row of the one before, however many rows come in between.

Order is (sort expression, key); NULLs come last in both directions; ties are broken by the key, which is unique.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import ColumnElement, Select, and_, or_, tuple_

Direction = Literal["asc", "desc"]
Way = Literal["after", "before"]


@dataclass(frozen=True)
class Cursor:
    """A row's place in an order: the value sorted by and the key."""

    value: Any
    key: Any


@dataclass(frozen=True)
class Order:
    """What rows are sorted by. `name` goes into cursors, so that one of another order is not taken."""

    name: str
    expression: Any
    key: Any
    direction: Direction = "asc"

    @property
    def nullable(self) -> bool:
        """Whether the sort expression can be NULL; an expression that is no column counts as if it could."""
        column = getattr(self.expression, "expression", self.expression)
        return bool(getattr(column, "nullable", True))


# Type tags, so that a cursor comes back as what it was.
_WRITE: tuple[tuple[type, str, Callable[[Any], Any]], ...] = (
    (bool, "b", bool),
    (int, "i", int),
    (str, "s", str),
    (float, "f", float),
    (Decimal, "d", str),
    (datetime, "t", datetime.isoformat),
    (date, "D", date.isoformat),
    (UUID, "u", str),
)
_READ: dict[str, Callable[[Any], Any]] = {
    "b": bool,
    "i": int,
    "s": str,
    "f": float,
    "d": Decimal,
    "t": datetime.fromisoformat,
    "D": date.fromisoformat,
    "u": UUID,
}


def _write(value: Any) -> list[Any] | None:
    if value is None:
        return None
    for kind, tag, text in _WRITE:
        if isinstance(value, kind):
            return [tag, text(value)]
    raise TypeError(f"cannot page by a {type(value).__name__}")


def _read(pair: list[Any] | None) -> Any:
    return None if pair is None else _READ[pair[0]](pair[1])


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt="cursor")


def dump(cursor: Cursor, *, order: str) -> str:
    """A cursor as a signed word for URLs, valid for this order only."""
    return _serializer().dumps([order, _write(cursor.value), _write(cursor.key)]).rstrip("=")


def load(text: str, *, order: str) -> Cursor | None:
    """The cursor of a word, None when it is not ours or of another order."""
    try:
        name, value, key = _serializer().loads(text)
    except (BadSignature, ValueError):
        return None
    return Cursor(_read(value), _read(key)) if name == order else None


def ordered(statement: Select[Any], order: Order, *, way: Way = "after") -> Select[Any]:
    """The statement in its order, turned round for pages before a cursor."""
    falling = (order.direction == "desc") != (way == "before")
    sort = order.expression.desc() if falling else order.expression.asc()
    if order.nullable:
        sort = sort.nulls_first() if way == "before" else sort.nulls_last()
    return statement.order_by(None).order_by(sort, order.key.desc() if falling else order.key.asc())


def beyond(cursor: Cursor, order: Order, *, way: Way) -> ColumnElement[bool]:
    """The condition of lying after (before) the cursor in this order."""
    falling = (order.direction == "desc") != (way == "before")
    expression, key = order.expression, order.key
    tie = key < cursor.key if falling else key > cursor.key
    if not order.nullable:
        pair = tuple_(expression, key)
        here = tuple_(cursor.value, cursor.key, types=[expression.type, key.type])
        return pair < here if falling else pair > here
    if cursor.value is None:
        within = and_(expression.is_(None), tie)
        return within if way == "after" else or_(expression.is_not(None), within)
    past = expression < cursor.value if falling else expression > cursor.value
    some = or_(past, and_(expression == cursor.value, tie))
    return or_(some, expression.is_(None)) if way == "after" else some
