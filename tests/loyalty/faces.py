"""A small shop for the tests of the screens: a member with a year behind them, and somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from flask import Flask

from tests.loyalty.conftest import bring_back, buy


@dataclass(frozen=True)
class Shop:
    """Ids of what is there."""

    anna: UUID
    ben: UUID
    purchase: UUID
    others_purchase: UUID


def open_shop(app: Flask, tenant_id: UUID) -> Shop:
    """Anna bought three times and brought one thing back, one return of hers has no purchase; Ben bought once."""
    from config.extensions import db
    from loyalty.members import desk
    from loyalty.purchases.refunds import record_refund
    from loyalty.purchases.services import record_purchases
    from loyalty.tiers.services import rewalk_stale
    from tenants.formats import local_day
    from tenants.scope import tenant_scope

    now = datetime.now(UTC)
    days = [now - timedelta(days=n) for n in (200, 100, 3, 2)]
    with app.app_context(), tenant_scope(tenant_id):
        anna = desk.add_member(
            name="Anna Lind", number="1001", email="anna@mail.example", programme=True, phone="07400 123456"
        )
        ben = desk.add_member(name="王伟", number="1002")
        docs = [
            buy("r1", 20_000, 15_050, member="1001", at=days[0]),
            buy("r2", 4_000, member="1001", at=days[1]),
            buy("r3", 8_240, member="1001", at=days[2], place="High Street"),
            buy("r4", 9_900, member="1002", at=days[2]),
            buy("r5", 1_500, member=None, at=days[2]),
        ]
        done = record_purchases(docs, source="test")
        record_refund(bring_back("b1", ("A", 1, 10_000), at=days[3]), source="test")
        record_refund(bring_back("b2", ("NEVER", 1, 700), at=days[3]), source="test")
        rewalk_stale(today=local_day(), limit=100)
        db.session.commit()
        return Shop(anna.id, ben.id, done[2].id, done[3].id)  # type: ignore[arg-type]
