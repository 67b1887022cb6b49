"""Verbs of the till: ring up a purchase by its amount."""

from __future__ import annotations

from uuid import UUID

from flask_babel import lazy_gettext as _l

from loyalty.members import queries as members
from loyalty.points.rules import earn
from loyalty.points.services import ensure_programme, exponent_of
from loyalty.portal.history import AMOUNT_ONLY
from loyalty.purchases.documents import Line, Outcome, PurchaseDoc
from loyalty.purchases.services import record_purchase
from tenants.errors import Conflict, Malformed
from tenants.formats import now
from tenants.info import tenant_info

SOURCE = "till"
MOST_MINOR = 10**11


class NotInStanding(Conflict):
    """The member may not collect points at present."""

    code = "member_not_active"
    sentence = _l("This member is blocked or has left. Sell without a card, or ask the office.")


def would_earn(amount_minor: int) -> int:
    """What a purchase of this amount earns under the rule in force; the same figure the sale will give."""
    rule = ensure_programme().at(now())
    return earn([amount_minor], rule.earning, exponent=exponent_of(tenant_info().currency)).points


def ring_up(*, token: UUID, amount_minor: int, member_id: UUID | None, place: str | None) -> Outcome:
    """Record one sale by its amount (minor units). The same `token` again has no further effect.

    Raises Malformed on an amount of nothing, NotInStanding, EventDiffers when the token was used for another sale.
    """
    if not 0 < amount_minor < MOST_MINOR:
        raise Malformed({"amount": [_l("Write an amount above zero.")]})
    if member_id is not None and members.member(member_id).status != "active":
        raise NotInStanding
    line = Line(sku=AMOUNT_ONLY, amount_minor=amount_minor, description="")
    doc = PurchaseDoc(external_id=token.hex, lines=[line], member_id=member_id, place=place)
    return record_purchase(doc, source=SOURCE)
