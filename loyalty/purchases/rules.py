"""How a cancellation finds its purchases, and what makes two documents the same.

Pure: no database, no clock, no Flask.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class ReturnLine:
    """A line that came back: how much of what, for how much money (positive minor units)."""

    line_no: int
    sku: str
    quantity: Decimal
    amount_minor: int


@dataclass(frozen=True)
class BoughtLine:
    """A line that was bought, with the quantity not yet returned."""

    id: UUID
    sku: str
    occurred_at: datetime
    line_no: int
    left: Decimal


@dataclass(frozen=True)
class Match:
    """A part of a returned line and the bought line it came from (None: no original known)."""

    line_no: int
    purchase_line_id: UUID | None
    quantity: Decimal
    amount_minor: int


@dataclass
class _Shelf:
    """Bought lines of one member and SKU, with what is left as the matching goes on."""

    lines: list[BoughtLine]
    left: dict[UUID, Decimal] = field(default_factory=dict)


def match_returns(
    returns: Sequence[ReturnLine],
    bought: Iterable[BoughtLine],
    *,
    occurred_at: datetime,
) -> tuple[Match, ...]:
    """Match returned lines of one member, in order, to what the member bought before.

    By SKU to the latest purchase not later than the return with quantity left; one return may
    be split over several lines. What finds no original is kept as a match without one. The
    money follows the quantity, floored, the rest of it on the last part.
    """
    shelves: dict[str, _Shelf] = {}
    for line in bought:
        if line.left > 0 and line.occurred_at <= occurred_at:
            shelves.setdefault(line.sku, _Shelf([])).lines.append(line)
    for shelf in shelves.values():
        shelf.lines.sort(key=lambda b: (b.occurred_at, -b.line_no, b.id), reverse=True)
        shelf.left = {b.id: b.left for b in shelf.lines}
    return tuple(m for r in returns for m in _match_one(r, shelves.get(r.sku)))


def _match_one(line: ReturnLine, shelf: _Shelf | None) -> list[Match]:
    parts: list[tuple[UUID | None, Decimal]] = []
    need = line.quantity
    for bought in shelf.lines if shelf else ():
        part = min(need, shelf.left[bought.id]) if shelf else Decimal(0)
        if part > 0 and shelf:
            shelf.left[bought.id] -= part
            parts.append((bought.id, part))
            need -= part
        if need <= 0:
            break
    if need > 0 or not parts:
        parts.append((None, need))
    return _priced(line, parts)


def _priced(line: ReturnLine, parts: list[tuple[UUID | None, Decimal]]) -> list[Match]:
    """Give each part its money by quantity; the last part takes the rest."""
    matches, spent = [], 0
    for i, (bought, quantity) in enumerate(parts):
        last = i == len(parts) - 1
        money = int(line.amount_minor * quantity // line.quantity) if line.quantity > 0 else 0
        money = line.amount_minor - spent if last else money
        spent += money
        matches.append(Match(line.line_no, bought, quantity, money))
    return matches


def content_hash(document: dict[str, Any]) -> bytes:
    """A fingerprint of what a document says: equal content, equal bytes, whatever the key order.

    Decimals count by value (2.0 is 2), instants by the moment (any zone).
    """
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), default=_canonical)
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _canonical(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, datetime):
        return repr(value.timestamp())
    return str(value)
