"""Purchases and refunds through the one writer: once for ever, by line, and back again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text

from tests.loyalty.conftest import NOON, bring_back, buy


def balance(number="1001", *, now=NOON):
    from loyalty.members.queries import member_by
    from loyalty.points.queries import balance as read

    return read(member_by(number).id, now=now)


def test_a_purchase_earns_by_line_and_is_recorded_whole(join, ledger_scope):
    from loyalty.points.models import Entry, Lot, LotLine
    from loyalty.purchases.services import record_purchases
    from loyalty.tiers.models import SpendDay
    from tenants.events import Event

    member = join()
    (got,) = record_purchases([buy("R-1", 1060, 1060, 1030)], source="till-7")
    assert (got.status, got.points, got.balance, got.member_id) == ("new", 31, 31, member.id)
    parts = ledger_scope.scalars(select(LotLine.points).order_by(LotLine.points.desc())).all()
    assert parts == [11, 10, 10]
    lot = ledger_scope.scalars(select(Lot)).one()
    assert (lot.points, lot.remaining, lot.last_day.isoformat()) == (31, 31, "2027-03-31")
    entry = ledger_scope.scalars(select(Entry)).one()
    assert (entry.kind, entry.points, entry.balance_after, entry.lot_id) == ("award", 31, 31, lot.id)
    spend = ledger_scope.scalars(select(SpendDay)).one()
    assert (spend.amount_minor, spend.day, spend.counted_on) == (3150, NOON.date(), NOON.date())
    kinds = set(ledger_scope.scalars(select(Event.kind)))
    assert kinds >= {"member.joined", "purchase.recorded"}


@pytest.mark.example("P14")
def test_the_same_event_again_is_answered_as_the_first_time(join):
    from loyalty.purchases.services import record_purchases

    join()
    doc = buy("R-1001", 5000)
    first, *others = (record_purchases([doc], source="till-7")[0] for _ in range(5))
    assert {other.status for other in others} == {"unchanged"}
    assert {(o.id, o.points, o.balance) for o in others} == {(first.id, 50, 50)}
    (differs,) = record_purchases([buy("R-1001", 5100)], source="till-7")
    assert differs.status == "event_differs"
    assert balance().balance == 50


def test_twice_in_one_batch_is_once(join):
    from loyalty.purchases.services import record_purchases

    join()
    got = record_purchases([buy("1", 500), buy("1", 500), buy("1", 600)], source="x")
    assert [o.status for o in got] == ["new", "unchanged", "event_differs"]


def test_running_balances_follow_the_dates_within_a_batch(join, ledger_scope):
    from loyalty.points.models import Entry
    from loyalty.purchases.services import record_purchases

    join()
    late, early = buy("late", 500, at=NOON), buy("early", 700, at=NOON - timedelta(days=3))
    record_purchases([late, early], source="x")
    rows = ledger_scope.execute(select(Entry.points, Entry.balance_after).order_by(Entry.balance_after)).all()
    assert [tuple(r) for r in rows] == [(7, 7), (5, 12)]


def test_a_sale_to_nobody_is_kept_and_earns_nothing(ledger_scope):
    from loyalty.purchases.services import record_purchases

    (got,) = record_purchases([buy("R-9", 9900, member=None)], source="x")
    assert (got.status, got.points, got.member_id, got.balance) == ("new", 0, None, None)


def test_unknown_members_are_refused_or_made(join):
    from loyalty.purchases.services import record_purchases

    join()
    got = record_purchases([buy("1", 500, member="7"), buy("2", 500)], source="x")
    assert [o.status for o in got] == ["unknown_member", "new"]
    (made,) = record_purchases([buy("1", 500, member="7")], source="x", create_members=True)
    assert (made.status, made.balance) == ("new", 5)


def test_a_card_is_as_good_as_a_number(join):
    from loyalty.members.queries import card_of
    from loyalty.purchases.services import record_purchases

    card = card_of(join().id)
    assert card is not None
    first = record_purchases([buy("1", 500, member=card.number)], source="x")[0]
    again = record_purchases([buy("1", 500, member="1001")], source="x")[0]
    assert (first.status, again.status) == ("new", "unchanged")


def test_a_new_rule_version_is_met_at_once(join):
    from loyalty.points.services import DEFAULT_RULE, publish_rule
    from loyalty.purchases.services import record_purchases

    join()
    record_purchases([buy("1", 8000)], source="x")
    publish_rule({**DEFAULT_RULE, "points": "3"})
    now = datetime.now(UTC) + timedelta(minutes=1)
    assert record_purchases([buy("2", 1000, at=now)], source="x")[0].points == 30
    assert record_purchases([buy("3", 1000)], source="x")[0].points == 10, "occurred_at decides the rule"


@pytest.mark.example("P07", "P08", "P10")
def test_refunds_read_what_each_line_earned(join):
    from loyalty.purchases.refunds import record_refunds
    from loyalty.purchases.services import record_purchases

    join()
    record_purchases([buy("1", 12000, 4000)], source="x")
    second, half = record_refunds([bring_back("r1", ("B", 2, 4000)), bring_back("r2", ("A", 1, 6000))], source="x")
    assert [second.points, half.points] == [40, 60]
    assert balance().balance == 60
    again = record_refunds([bring_back("r2", ("A", 1, 6000))], source="x")[0]
    assert (again.status, again.points, balance().balance) == ("unchanged", 60, 60)
    assert record_refunds([bring_back("r2", ("A", 1, 5000))], source="x")[0].status == "event_differs"


def test_a_refund_without_original_is_kept_listed_and_takes_nothing(join):
    from loyalty.purchases.queries import refunds_without_original
    from loyalty.purchases.refunds import record_refunds
    from loyalty.purchases.services import record_purchases

    join()
    record_purchases([buy("1", 5000)], source="x")
    (got,) = record_refunds([bring_back("r1", ("Z", 1, 900), ("A", 3, 7500))], source="x")
    assert (got.points, got.unmatched, got.lines) == (50, 2, 2)
    listed = [(line.sku, line.quantity) for _, line in refunds_without_original()]
    assert sorted(listed) == [("A", Decimal(1)), ("Z", Decimal(1))]


def test_a_named_original_is_returned_whole_when_no_lines_are_given(join):
    from loyalty.purchases.refunds import record_refunds
    from loyalty.purchases.services import record_purchases

    join()
    record_purchases([buy("1", 5000, 2500)], source="x")
    record_refunds([bring_back("r1", ("A", 1, 2500), original=("x", "1"))], source="x")
    (rest,) = record_refunds([bring_back("r2", original=("x", "1"), member=None)], source="x")
    assert (rest.status, rest.points, rest.balance) == ("new", 50, 0)


@pytest.mark.example("P23")
def test_a_status_walk_leaves_nothing(join):
    from loyalty.purchases.refunds import record_refunds
    from loyalty.purchases.services import record_purchases

    join()
    record_purchases([buy("R-1/complete-1", 5000)], source="shop")
    record_refunds([bring_back("R-1/cancel-2", original=("shop", "R-1/complete-1"))], source="shop")
    record_purchases([buy("R-1/complete-3", 5000)], source="shop")
    record_refunds([bring_back("R-1/refund-4", original=("shop", "R-1/complete-3"))], source="shop")
    assert balance().balance == 0


def test_a_refund_after_the_lapse_takes_what_lapsed_whether_posted_or_not(join):
    from loyalty.points.services import post_lapses
    from loyalty.purchases.refunds import record_refunds
    from loyalty.purchases.services import record_purchases

    join()
    join("1002")
    then = NOON + timedelta(days=500)
    for number in ("1001", "1002"):
        record_purchases([buy(f"old-{number}", 10000, member=number)], source="x")
        record_purchases([buy(f"new-{number}", 3000, member=number, at=then)], source="x")
    record_refunds([bring_back("r-1001", original=("x", "old-1001"), at=then)], source="x", now=then)
    assert post_lapses(as_of=then) == 1
    record_refunds([bring_back("r-1002", original=("x", "old-1002"), at=then, member="1002")], source="x", now=then)
    assert post_lapses(as_of=then) == 0
    assert [balance(n, now=then).spendable for n in ("1001", "1002")] == [30, 30]
    assert [balance(n, now=then).balance for n in ("1001", "1002")] == [30, 30]


def test_undoing_an_import_leaves_everything_as_before_and_it_can_come_again(join, ledger_scope, tenant):
    from loyalty.points.services import post_lapses
    from loyalty.purchases.refunds import record_refunds
    from loyalty.purchases.services import record_purchases, undo_import
    from loyalty.tiers.models import SpendDay
    from loyalty.tiers.queries import standing_of
    from loyalty.tiers.services import rewalk_stale
    from tenants.ids import new_id

    member = join()
    record_purchases([buy("before", 20000)], source="x")
    facts = ledger_scope.execute(select(SpendDay.day, SpendDay.counted_on, SpendDay.amount_minor)).all()
    before = balance()
    for _ in range(2):
        ident = new_id()
        docs = [buy("i1", 90000, at=NOON - timedelta(days=600)), buy("i2", 15000), buy("i3", 100, member="new")]
        got = record_purchases(docs, source="file", import_id=ident, create_members=True)
        assert [o.status for o in got] == ["new"] * 3
        returns = [bring_back("c1", ("A", 1, 7500)), bring_back("c2", ("A", 2, 20000), original=("x", "before"))]
        assert [o.points for o in record_refunds(returns, source="file", import_id=ident)] == [75, 200]
        post_lapses(as_of=NOON)
        rewalk_stale(today=NOON.date())
        assert undo_import(ident) == {"purchases": 3, "refunds": 2, "points": 1051}
        rewalk_stale(today=NOON.date())
        assert balance() == before
        assert standing_of(member.id).rank == 0
        now = ledger_scope.execute(select(SpendDay.day, SpendDay.counted_on, SpendDay.amount_minor)).all()
        assert now == facts


def test_an_import_that_was_returned_elsewhere_is_not_undone(join):
    from loyalty.purchases.refunds import record_refunds
    from loyalty.purchases.services import ImportInUse, record_purchases, undo_import
    from tenants.ids import new_id

    join()
    ident = new_id()
    record_purchases([buy("i1", 9000)], source="file", import_id=ident)
    record_refunds([bring_back("r1", original=("file", "i1"))], source="till")
    with pytest.raises(ImportInUse):
        undo_import(ident)


@pytest.mark.example("P14")
def test_one_event_five_times_in_parallel_is_one_award(app, tenant, join, ledger_scope):
    from loyalty.points.services import ensure_programme
    from loyalty.purchases.services import record_purchase
    from tenants.scope import tenant_scope

    join()
    ensure_programme()
    ledger_scope.commit()

    def send(n: int):
        with app.app_context(), tenant_scope(tenant.id):
            return record_purchase(buy("R-1001", 5000), source="till-7", key=f"key-{n}", body=b"same")

    with ThreadPoolExecutor(5) as pool:
        got = list(pool.map(send, range(5)))
    assert len({(o.id, o.points, o.balance) for o in got}) == 1
    assert sorted(o.status for o in got) == ["new", *["unchanged"] * 4]
    assert balance().balance == 50


def test_fifty_writers_on_one_member_lose_nothing(app, tenant, join, ledger_scope):
    from loyalty.points.models import Entry
    from loyalty.purchases.services import record_purchase
    from tenants.scope import tenant_scope

    join()
    record_purchase(buy("first", 100), source="x")
    ledger_scope.commit()

    def send(n: int):
        with app.app_context(), tenant_scope(tenant.id):
            return record_purchase(buy(f"R-{n}", 1000 + 100 * n), source="x").status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, range(50))) == {"new"}
    assert balance().balance == 1 + sum(10 + n for n in range(50))
    afters = ledger_scope.scalars(select(Entry.balance_after).order_by(Entry.balance_after)).all()
    assert len(set(afters)) == 51
    assert ledger_scope.scalar(select(func.max(Entry.balance_after))) == balance().balance


def test_a_key_with_another_body_is_an_error(join):
    from loyalty.points.services import KeyReused
    from loyalty.purchases.services import record_purchase

    join()
    record_purchase(buy("1", 500), source="x", key="k1", body=b"one")
    with pytest.raises(KeyReused):
        record_purchase(buy("2", 500), source="x", key="k1", body=b"two")
    assert balance().balance == 5


def test_the_ledger_cannot_be_edited_by_the_application(join, ledger_scope):
    from sqlalchemy.exc import ProgrammingError

    from loyalty.purchases.services import record_purchases

    join()
    record_purchases([buy("1", 500)], source="x")
    ledger_scope.commit()
    for statement in (
        "UPDATE entries SET points = 9",
        "DELETE FROM entries",
        "DELETE FROM lots",
        "UPDATE lots SET points = 9",
        "UPDATE allocations SET points = 1",
        "DELETE FROM lot_lines",
        "UPDATE tier_changes SET to_rank = 3",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"):
            ledger_scope.execute(text(statement))
        ledger_scope.rollback()


def test_the_functions_refuse_a_second_tenant(join, ledger_scope, other_tenant):
    from sqlalchemy.exc import DBAPIError

    join()
    with pytest.raises(DBAPIError, match="another tenant is in force"):
        ledger_scope.execute(text("SELECT post_lapses(CAST(:t AS uuid), now(), 1)"), {"t": str(other_tenant.id)})


def test_a_purchase_takes_one_round_trip(app, tenant, join, ledger_scope, query_count, monkeypatch):
    from loyalty.points import ledger
    from loyalty.purchases.services import record_purchase
    from tenants.scope import call, tenant_scope

    join()
    record_purchase(buy("0", 500), source="x")
    ledger_scope.commit()
    trips = []
    monkeypatch.setattr(ledger, "call", lambda *given: trips.append(given) or call(*given))
    with app.app_context(), tenant_scope(tenant.id), query_count() as seen:
        assert record_purchase(buy("1", 500), source="x").balance == 10
    assert (len(trips), seen) == (1, [])
