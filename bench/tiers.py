"""The tier job over a million members and ten million facts, beside the bare GROUP BY."""

from __future__ import annotations

import time
from datetime import date, timedelta

import psycopg

from bench.people import Shop, make_shops
from bench.report import Figure, duration
from bench.stage import Stage
from config.extensions import db
from loyalty.tiers import services
from tenants.scope import tenant_scope

TODAY = date(2026, 11, 22)

# Skewed like a real shop: many seldom buy, few often. One fact a member and day at most.
SPEND = """
INSERT INTO spend_days (tenant_id, member_id, day, counted_on, amount_minor)
SELECT tenant_id, id, day, day, 500 + (random() * 4000)::int FROM (
  SELECT DISTINCT m.tenant_id, m.id, %(today)s::date - (random() * 729)::int AS day
  FROM members m, LATERAL generate_series(1, 1 + (-ln(random()) * %(each)s + 0 * length(m.number))::int) n
  WHERE m.tenant_id = ANY(%(ids)s)
) s
"""
FACTS = "UPDATE point_accounts SET last_fact_on = %(today)s WHERE tenant_id = ANY(%(ids)s)"
FLOOR = (
    "SELECT count(*), sum(s) FROM (SELECT tenant_id, member_id, sum(amount_minor) s FROM spend_days GROUP BY 1, 2) g"
)
NEXT_DAY = """
INSERT INTO spend_days (tenant_id, member_id, day, counted_on, amount_minor)
SELECT tenant_id, member_id, %(day)s, %(day)s, 500 + (random() * 4000)::int FROM point_accounts
WHERE tenant_id = ANY(%(ids)s) AND random() < %(share)s
"""


def measure(place: Stage, *, members: int, entries: int, rounds: int) -> list[Figure]:
    """`tier_full`: everybody for the first time. `tier_next_day`: one further day."""
    shops = make_shops(10, members=members // 10, prefix=f"tiers{members}")
    ids = [shop.id for shop in shops]
    with psycopg.connect(place.admin_url, autocommit=True) as admin:
        admin.execute(SPEND, {"today": TODAY, "ids": ids, "each": entries / members - 0.5})
        admin.execute(FACTS, {"today": TODAY, "ids": ids})
        admin.execute("VACUUM ANALYZE spend_days, point_accounts, members")
        made = admin.execute("SELECT count(*) FROM spend_days").fetchone()
        full = [(_run(shops, TODAY, everybody=True), _floor(admin)) for _ in range(1)]
        days = []
        for number in range(1, rounds + 1):
            day = TODAY + timedelta(days=number)
            admin.execute(NEXT_DAY, {"day": day, "ids": ids, "share": 0.014})
            admin.execute("VACUUM ANALYZE spend_days, point_accounts")
            days.append((_run(shops, day), _floor(admin)))
    size = f"{members:,} members, {made[0] if made else 0:,} entries"
    name = "bare GROUP BY over the entries"
    return [
        duration("tier_full", full, floor_name=name, note=f"first run of everybody; {size}"),
        duration("tier_next_day", days, floor_name=name, note=f"one further day; {size}"),
    ]


def _run(shops: list[Shop], day: date, *, everybody: bool = False) -> float:
    started = time.perf_counter()
    for shop in shops:
        with tenant_scope(shop.id):
            services.step(day, everybody=everybody)
            db.session.commit()
    return time.perf_counter() - started


def _floor(admin: psycopg.Connection[tuple[object, ...]]) -> float:
    started = time.perf_counter()
    admin.execute(FLOOR).fetchone()
    return time.perf_counter() - started
