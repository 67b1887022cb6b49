"""Staged documents as values, and as what the writers take. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from loyalty.purchases.documents import Line, PurchaseDoc, RefundDoc, ReturnedLine


class Doc(NamedTuple):
    """A staged document; a line is [number, line in the file, SKU, name, quantity, price, minor units, category].

    `form` is "p" for bought and "r" for returned lines; `mark` names the refused row it mends.
    """

    form: str
    key: str
    mark: str
    member: str
    at: datetime
    place: str
    lines: Sequence[Sequence[Any]]

    @classmethod
    def of(cls, data: Sequence[Any]) -> Doc:
        """The document from its JSON values."""
        form, key, mark, member, at, place, lines = data
        return cls(form, key, mark, member, datetime.fromisoformat(at), place, lines)

    @property
    def total(self) -> int:
        """The sum of the lines in minor units."""
        return sum(line[6] for line in self.lines)


def purchase_doc(doc: Doc, external_id: str, lines: Sequence[Sequence[Any]]) -> PurchaseDoc:
    """A purchase of these lines of a document."""
    bought = [Line(line[2], line[6], Decimal(line[4]), Decimal(line[5]), line[3]) for line in lines]
    return PurchaseDoc(external_id, bought, member=doc.member or None, occurred_at=doc.at, place=doc.place or None)


def refund_doc(doc: Doc, external_id: str, lines: Sequence[Sequence[Any]]) -> RefundDoc:
    """A return of these lines of a document; its original is looked for by member and SKU."""
    returned = [ReturnedLine(line[2], line[6], Decimal(line[4]), line[3]) for line in lines]
    return RefundDoc(
        external_id, lines=returned, member=doc.member or None, occurred_at=doc.at, place=doc.place or None
    )
