"""Everything kept about one member, as plain values: what they may take along."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from config.extensions import db
from loyalty.points.models import Entry
from loyalty.portal import history, queries
from loyalty.tiers.models import TierChange
from tenants.delivery import queries as delivery

MOST = 100_000  # more purchases than one person makes


def everything(member_id: UUID, *, now: datetime) -> dict[str, Any]:
    """Details, card, points, tier, purchases, addresses, choices and messages. Money in minor units."""
    face = queries.face(member_id, now=now)
    addresses = delivery.addresses_of(member_id)
    return {
        "as_of": now,
        "member": dataclasses.asdict(face),
        "addresses": [_plain(row, "channel", "value", "programme", "marketing", "verified_at") for row in addresses],
        "choices": [
            _plain(row, "address_id", "purpose", "granted", "at", "source")
            for address in addresses
            for row in delivery.consent_history(address.id)
        ],
        "purchases": [dataclasses.asdict(one) for one in history.purchases(member_id, limit=MOST, with_lines=True)],
        "returns_without_purchase": [dataclasses.asdict(one) for one in history.loose_returns(member_id)],
        "points": _entries(member_id),
        "tiers": _tiers(member_id),
        "messages": [
            _plain(row, "channel", "recipient", "template", "subject", "state", "reason", "created_at", "sent_at")
            for row in delivery.messages_of(member_id, limit=MOST)
        ],
    }


def _plain(row: object, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _entries(member_id: UUID) -> list[dict[str, Any]]:
    rows = db.session.scalars(select(Entry).where(Entry.member_id == member_id).order_by(Entry.id))
    return [_plain(row, "kind", "points", "balance_after", "occurred_at", "booked_at", "value_at") for row in rows]


def _tiers(member_id: UUID) -> list[dict[str, Any]]:
    rows = db.session.scalars(select(TierChange).where(TierChange.member_id == member_id).order_by(TierChange.on_day))
    return [_plain(row, "on_day", "from_rank", "to_rank", "reason", "evidence", "superseded_at") for row in rows]
