"""Who stands at the till: by scan, number, phone or name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from config.extensions import db
from loyalty.members import queries as members
from loyalty.members.models import Card, Member
from tenants.errors import NotFound

MOST = 12
SCANNED = 10  # digits from which a text is a scanned card and no amount


@dataclass(frozen=True)
class OldCard:
    """A card that opens nothing any more, and since when its successor is out."""

    lost: bool
    replaced_at: datetime | None


def exact(text: str) -> UUID | None:
    """The one member with this number or active card, None when there is none."""
    try:
        return members.member_by(text.replace(" ", "")).id
    except NotFound:
        return None


def old_card(text: str) -> OldCard | None:
    """The card with this number if it is no longer active."""
    found = db.session.scalar(select(Card).where(Card.number == text.replace(" ", ""), Card.status != "active"))
    if found is None:
        return None
    newer = select(Card.issued_at).where(Card.member_id == found.member_id, Card.status == "active")
    return OldCard(found.status == "lost", db.session.scalar(newer))


def found(statement: Any) -> Sequence[Row[Any]]:
    """The first members of a narrowed list, by name."""
    return db.session.execute(statement.order_by(Member.sort_key, Member.id).limit(MOST)).all()


def is_scan(text: str) -> bool:
    """Whether what stands in the amount field is a scanned card."""
    return text.isdigit() and len(text) >= SCANNED
