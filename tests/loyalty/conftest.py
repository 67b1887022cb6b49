"""What the tests of the member programme share: members, purchases, and the proof after every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from loyalty.members.models import Member
    from loyalty.purchases.documents import PurchaseDoc, RefundDoc

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def ledger_scope(scope) -> Iterator[object]:
    """The tenant's scope; whatever the test did, the cached balances must equal the ledger afterwards."""
    from loyalty.points.queries import forget_terms, unproved

    forget_terms()
    yield scope
    scope.rollback()
    assert unproved() == []


@pytest.fixture
def join(ledger_scope) -> Callable[..., Member]:
    """Join a member: join("1001")."""
    from loyalty.members.services import create_member

    def make(number: str = "1001", **given: object) -> Member:
        return create_member(number=number, joined_at=NOON, **given)

    return make


def buy(
    external_id: str, *amounts: int, member: str | None = "1001", at: datetime | None = NOON, **more
) -> PurchaseDoc:
    """A purchase with one line per amount (minor units), two pieces each, SKUs A, B, C…"""
    from loyalty.purchases.documents import Line, PurchaseDoc

    lines = [Line(chr(65 + i), amount, Decimal(2)) for i, amount in enumerate(amounts)]
    return PurchaseDoc(external_id, lines, member=member, occurred_at=at, **more)


def bring_back(
    external_id: str, *lines: tuple[str, int, int], member: str | None = "1001", at=NOON, **more
) -> RefundDoc:
    """A refund of (sku, quantity, amount) lines."""
    from loyalty.purchases.documents import RefundDoc, ReturnedLine

    returned = [ReturnedLine(sku, amount, Decimal(quantity)) for sku, quantity, amount in lines] or None
    return RefundDoc(external_id, at, returned, member=member, **more)
