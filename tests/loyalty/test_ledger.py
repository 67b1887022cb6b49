"""Bare awards, lapses, and a machine that awards, reverses and lapses against a naive ledger."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests.loyalty.conftest import NOON, bring_back, buy


def give(external_id: str, points: int, *, member: str = "1001", at: datetime | None = NOON):
    from loyalty.points.services import AwardDoc

    return AwardDoc(member, points, external_id, at)


def spendable(number: str = "1001", *, now: datetime = NOON) -> int:
    from loyalty.members.queries import member_by
    from loyalty.points.queries import balance

    return balance(member_by(number).id, now=now).spendable


def test_an_award_is_a_lot_with_its_own_lapse(join, ledger_scope):
    from loyalty.points.models import Lot
    from loyalty.points.queries import lapsing, open_lots
    from loyalty.points.services import award

    member = join()
    got = award(give("a1", 70), source="till")
    assert (got.status, got.points, got.balance, got.last_day.isoformat()) == ("new", 70, 70, "2027-03-31")
    lot = ledger_scope.scalars(select(Lot)).one()
    assert lot.lapses_at == datetime(2027, 3, 31, 23, tzinfo=UTC), "the last day counts to its end in London"
    assert [x.id for x in open_lots(member.id, now=NOON)] == [lot.id]
    assert [tuple(r) for r in lapsing(member.id, now=NOON)] == [(lot.last_day, 70)]


def test_an_award_again_is_the_first_answer_and_another_content_is_refused(join):
    from loyalty.points.services import EventDiffers, UnknownMember, award

    join()
    join("1002")
    first = award(give("a1", 70), source="till")
    award(give("a2", 30), source="till")
    again = award(give("a1", 70), source="till")
    assert (again.status, again.entry_id, again.balance) == ("unchanged", first.entry_id, 70)
    for other in (give("a1", 71), give("a1", 70, member="1002")):
        with pytest.raises(EventDiffers):
            award(other, source="till")
    with pytest.raises(UnknownMember):
        award(give("a9", 5, member="nobody"), source="till")
    assert (spendable(), spendable("1002")) == (100, 0)


def test_a_card_gets_the_award_too(join):
    from loyalty.members.queries import card_of
    from loyalty.points.services import award

    card = card_of(join().id)
    assert award(give("a1", 5, member=card.number), source="till").balance == 5
    assert award(give("a1", 5, member=card.number), source="till").status == "unchanged"


def test_a_key_used_for_another_body_is_refused_and_a_failed_request_frees_it(join):
    from loyalty.points.services import KeyReused, UnknownMember, award

    join()
    with pytest.raises(UnknownMember):
        award(give("a1", 5, member="nobody"), source="till", key="k", body=b"0")
    award(give("a1", 5), source="till", key="k", body=b"1")
    award(give("a1", 5), source="till", key="k", body=b"1")
    with pytest.raises(KeyReused):
        award(give("a2", 5), source="till", key="k", body=b"2")


def test_a_batch_answers_row_by_row(join):
    from loyalty.points.services import award, award_many

    join()
    join("1002")
    award(give("a0", 10), source="till")
    docs = [
        give("a0", 10),
        give("a1", 20),
        give("a1", 20),
        give("a1", 21),
        give("b1", 5, member="1002"),
        give("x", 1, member="?"),
    ]
    got = award_many(docs, source="till")
    assert [r.status for r in got] == ["unchanged", "new", "unchanged", "event_differs", "new", "unknown_member"]
    assert [r.balance for r in got[:3]] == [10, 30, 30]
    assert [r.status for r in award_many(docs, source="till")][1] == "unchanged"
    assert (spendable(), spendable("1002")) == (30, 5)


def test_parallel_batches_with_the_same_events_lose_and_double_nothing(app, tenant, join, ledger_scope):
    from loyalty.points.services import award_many, ensure_programme
    from tenants.scope import tenant_scope

    for number in ("1", "2", "3"):
        join(number)
    ensure_programme()
    ledger_scope.commit()
    docs = [give(f"e{n}", n + 1, member=str(n % 3 + 1)) for n in range(60)]

    def send(part: int):
        with app.app_context(), tenant_scope(tenant.id):
            return Counter(r.status for r in award_many(docs[part : part + 30], source="till"))

    with ThreadPoolExecutor(4) as pool:
        counts = sum(pool.map(send, (0, 15, 30, 10)), Counter())
    assert counts["new"] == 60
    assert set(counts) == {"new", "unchanged"}
    assert sum(spendable(n) for n in "123") == sum(range(1, 61))


def test_the_lapse_job_may_run_late_twice_or_not_at_all(join):
    from loyalty.points.services import award, post_lapses

    join()
    award(give("a1", 70), source="till")
    award(give("a2", 30, at=NOON + timedelta(days=100)), source="till")
    late = NOON + timedelta(days=400)
    assert spendable(now=late) == 30
    assert post_lapses(as_of=late) == 1
    assert post_lapses(as_of=late) == 0
    assert spendable(now=late) == 30
    assert spendable(now=NOON) == 30, "what is posted is gone"


@pytest.mark.example("P05")
def test_a_lapse_is_valued_at_its_instant(join, ledger_scope):
    from loyalty.points.models import Entry
    from loyalty.points.services import award, post_lapses

    join()
    award(give("a1", 70), source="till")
    post_lapses(as_of=NOON + timedelta(days=1000))
    entry = ledger_scope.scalars(select(Entry).where(Entry.kind == "expiry")).one()
    assert (entry.points, entry.value_at) == (-70, datetime(2027, 3, 31, 23, tzinfo=UTC))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("award"), st.integers(1, 90), st.integers(0, 500)),
        st.tuples(st.just("buy"), st.integers(1, 9000), st.integers(0, 500)),
        st.tuples(st.just("return"), st.integers(0, 9), st.integers(1, 2)),
        st.tuples(st.just("lapse"), st.integers(0, 900), st.just(0)),
        st.tuples(st.just("again"), st.integers(0, 9), st.just(0)),
    ),
    max_size=14,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_the_ledger_agrees_with_a_naive_one(app, make_tenant, steps):
    """The naive ledger is a list of lots; it lapses when asked and never by a job."""
    from loyalty.members.services import create_member
    from loyalty.points.queries import forget_terms, unproved
    from loyalty.points.services import award, post_lapses
    from loyalty.purchases.refunds import record_refunds
    from loyalty.purchases.services import record_purchases
    from tenants.scope import tenant_scope

    naive: list[dict[str, int]] = []
    sent: list[tuple[str, object]] = []
    end = NOON + timedelta(days=400)
    forget_terms()
    with app.app_context(), tenant_scope(make_tenant().id):
        create_member(number="1001")
        for n, (what, figure, more) in enumerate(steps):
            at = NOON - timedelta(days=more)
            if what == "award":
                sent.append((what, give(f"e{n}", figure, at=at)))
                award(sent[-1][1], source="s")
                naive.append({"points": figure, "left": figure, "lapses": _lapse(at), "returned": 2})
            elif what == "buy":
                sent.append((what, buy(f"e{n}", figure, at=at)))
                record_purchases([sent[-1][1]], source="s")
                naive.append(
                    {
                        "points": figure // 100,
                        "left": figure // 100,
                        "lapses": _lapse(at),
                        "returned": 0,
                        "key": f"e{n}",
                    }
                )
            elif what == "return" and naive:
                lot = naive[figure % len(naive)]
                quantity = min(more, 2 - lot["returned"])
                if "key" in lot and quantity:
                    doc = bring_back(f"r{n}", ("A", quantity, 10), original=("s", lot["key"]))
                    lot["returned"] += quantity
                    lot["left"] = lot["points"] - lot["points"] * lot["returned"] // 2
                    assert record_refunds([doc], source="s", now=NOON)[0].status == "new"
            elif what == "lapse":
                post_lapses(as_of=NOON - timedelta(days=500) + timedelta(days=figure))
            elif what == "again" and sent:
                kind, doc = sent[figure % len(sent)]
                again = award(doc, source="s") if kind == "award" else record_purchases([doc], source="s")[0]
                assert again.status == "unchanged"
        assert spendable(now=end) == sum(lot["left"] for lot in naive if lot["lapses"] > end)
        post_lapses(as_of=end)
        assert spendable(now=end) == sum(lot["left"] for lot in naive if lot["lapses"] > end)
        assert unproved() == []


def _lapse(at: datetime) -> datetime:
    from zoneinfo import ZoneInfo

    from loyalty.days import day_of
    from loyalty.points.rules import Validity, lapse

    zone = ZoneInfo("Europe/London")
    return lapse(day_of(at, zone), Validity(12, "month"), zone).at


def test_money_of_another_currency_is_refused(join):
    from loyalty.purchases.services import record_purchases
    from tenants.errors import Malformed

    join()
    with pytest.raises(Malformed):
        record_purchases([buy("1", 500, currency="USD")], source="x")


def test_a_currency_without_decimals_earns_by_its_unit(app, make_tenant):
    from loyalty.members.services import create_member
    from loyalty.purchases.services import record_purchases
    from tenants.scope import tenant_scope

    with app.app_context(), tenant_scope(make_tenant(currency="JPY", country="JP").id):
        create_member(number="1001")
        assert record_purchases([buy("1", 500)], source="x")[0].points == 500


def test_a_return_by_amount_takes_its_share(join):
    from loyalty.purchases.documents import Line, PurchaseDoc, RefundDoc, ReturnedLine
    from loyalty.purchases.refunds import record_refund
    from loyalty.purchases.services import record_purchase

    join()
    record_purchase(PurchaseDoc("1", [Line("SERVICE", 9000)], member="1001", occurred_at=NOON), source="x")
    doc = RefundDoc("r1", NOON, [ReturnedLine("SERVICE", 3000)], original=("x", "1"))
    assert record_refund(doc, source="x").points == 30
    assert spendable() == 60
    rest = record_refund(RefundDoc("r2", NOON, original=("x", "1")), source="x")
    assert (rest.points, spendable(), Decimal(rest.unmatched)) == (60, 0, 0)
