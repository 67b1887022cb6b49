"""What the doors hand over: purchases and refunds as plain values. Amounts in minor units of the currency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a purchase. `quantity` None where the till has none; amounts are after discount."""

    sku: str
    amount_minor: int
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class PurchaseDoc:
    """A purchase. `member` is a customer number or a card, None for a sale to somebody unknown.

    `occurred_at` None means now; a retry that leaves it out again says the same. `source` only
    where it differs from that of the call.
    """

    external_id: str
    lines: Sequence[Line]
    member: str | None = None
    member_id: UUID | None = None
    occurred_at: datetime | None = None
    currency: str | None = None
    place: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class ReturnedLine:
    """One returned line, in positive figures. Without a quantity it is returned by amount."""

    sku: str
    amount_minor: int
    quantity: Decimal | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class RefundDoc:
    """A return or cancellation. `original` names the purchase (source, external id) where it is known.

    `lines` None with an original returns all that is left of it.
    """

    external_id: str
    occurred_at: datetime | None = None
    lines: Sequence[ReturnedLine] | None = None
    original: tuple[str, str] | None = None
    member: str | None = None
    member_id: UUID | None = None
    place: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one document: status new, unchanged, event_differs or unknown_member.

    `points` awarded, for a refund reversed; `balance` after it (None without a member);
    `unmatched` lines of a refund found no original.
    """

    status: str
    id: UUID | None = None
    points: int = 0
    balance: int | None = None
    tier_rank: int | None = None
    member_id: UUID | None = None
    lines: int = 0
    unmatched: int = 0
