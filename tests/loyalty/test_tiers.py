"""Tiers in the database: at once at the till, nightly by one statement, and the walk that defines both."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from tests.loyalty.conftest import NOON, bring_back, buy
from tests.loyalty.test_rules import T0, spend_facts

DAY = NOON.date()


def standing(number="1001"):
    from loyalty.members.queries import member_by
    from loyalty.tiers.queries import standing_of

    return standing_of(member_by(number).id)


def changes(number="1001"):
    from loyalty.members.queries import member_by
    from loyalty.tiers.queries import changes_of

    ident = member_by(number).id
    return [(c.on_day, c.from_rank, c.to_rank, c.reason) for c in changes_of([ident])[ident]]


def record(*docs, **more):
    from loyalty.purchases.services import record_purchases

    return record_purchases(docs, source="x", **more)


@pytest.mark.example("P18", "P19")
def test_a_purchase_lifts_the_tier_at_once_and_earns_at_the_one_before(join, ledger_scope):
    from loyalty.tiers.models import TierChange
    from tenants.events import Event

    join()
    assert record(buy("1", 29_999))[0].tier_rank == 0
    assert record(buy("2", 1))[0].tier_rank == 1, "300.00 is enough"
    assert standing() == type(standing())(1, DAY, date(2027, 3, 2))
    change = ledger_scope.scalars(select(TierChange)).one()
    assert change.evidence == {
        "first_day": "2025-03-03",
        "last_day": "2026-03-02",
        "spend_minor": 30_000,
        "needed_minor": 30_000,
        "left_window_minor": 0,
        "refunded_minor": 0,
    }
    facts = ledger_scope.scalars(select(Event.payload).where(Event.kind == "tier.changed")).all()
    assert [(f["from_rank"], f["to_rank"], f["direction"]) for f in facts] == [(0, 1, "up")]
    earned = ledger_scope.scalars(select(Event.payload).where(Event.kind == "purchase.recorded")).all()
    assert {f["tier_rank"] for f in earned} == {0}


def test_a_back_dated_purchase_waits_for_the_walk_which_rewrites_history(join, ledger_scope):
    from loyalty.points.models import PointAccount
    from loyalty.tiers.models import TierChange
    from loyalty.tiers.services import rewalk_stale
    from tenants.events import Event

    join()
    record(buy("1", 30_000))
    record(buy("0", 100_000, at=NOON - timedelta(days=20)))
    assert ledger_scope.scalar(select(PointAccount.tier_stale_from)) == DAY - timedelta(days=20)
    assert standing().rank == 1
    assert rewalk_stale(today=DAY) is None
    assert changes() == [(DAY - timedelta(days=20), 0, 2, "earned")]
    assert standing().rank == 2
    superseded = ledger_scope.scalars(select(TierChange).where(TierChange.superseded_at.is_not(None))).all()
    assert [(c.on_day, c.to_rank) for c in superseded] == [(DAY, 1)]
    told = ledger_scope.scalars(select(Event.payload).where(Event.kind == "tier.changed").order_by(Event.id)).all()
    assert [f["to_rank"] for f in told] == [1, 2]
    assert ledger_scope.scalar(select(func.count()).where(PointAccount.tier_stale_from.is_not(None))) == 0


@pytest.mark.example("P21")
def test_a_refund_lowers_the_spend_but_the_tier_only_at_its_review(join):
    from loyalty.purchases.refunds import record_refunds
    from loyalty.tiers.services import run_day

    join()
    record(buy("1", 60_000), buy("2", 45_000))
    assert standing().rank == 2
    later = NOON + timedelta(days=30)
    record_refunds([bring_back("r", original=("x", "2"), at=later)], source="x", now=later)
    run_day(later.date() + timedelta(days=1))
    assert standing().rank == 2
    review = standing().review_on
    run_day(review)
    assert standing().rank == 2, "the review day counts to its end"
    run_day(review + timedelta(days=1))
    assert (standing().rank, changes()[-1]) == (0, (review, 2, 0, "review"))


def test_reviews_that_were_missed_are_done_by_the_walk(join):
    from loyalty.tiers.services import rewalk_stale, run_day

    join()
    record(buy("1", 100_000))
    record(buy("2", 30_000, at=NOON + timedelta(days=200)))
    today = DAY + timedelta(days=900)
    run_day(today)
    rewalk_stale(today=today)
    assert [c[1:] for c in changes()] == [(0, 2, "earned"), (2, 1, "review"), (1, 0, "review")]


def test_the_audit_of_everybody_finds_nothing_to_do(join):
    from loyalty.tiers.services import step

    for n in range(5):
        join(str(n))
        record(buy(f"p{n}", 20_000 * n, member=str(n)))
    done = step(DAY, everybody=True)
    assert (done.evaluated, done.changed) == (5, 0)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(everybody=st.booleans(), members=st.lists(spend_facts(), min_size=1, max_size=3))
def test_the_set_based_step_is_the_walk(app, make_tenant, everybody, members):
    """Day after day of the SQL step gives the changes, the evidence and the standing of the walk."""
    from config.extensions import db
    from loyalty.members.services import create_member
    from loyalty.points.models import Programme
    from loyalty.points.queries import forget_terms, terms
    from loyalty.points.services import ensure_programme
    from loyalty.tiers.models import SpendDay
    from loyalty.tiers.queries import changes_of, facts_of, standing_of
    from loyalty.tiers.rules import walk
    from loyalty.tiers.services import step
    from tenants.scope import tenant_scope

    until = T0 + timedelta(days=1300)
    with app.app_context(), tenant_scope(make_tenant().id):
        ensure_programme()
        db.session.execute(update(Programme).values(tier_thresholds=[1000, 3000, 8000]))
        forget_terms()
        policy = terms(fresh=True).policy
        idents = [create_member().id for _ in members]
        days = set()
        for ident, facts in zip(idents, members, strict=True):
            merged: dict[tuple[date, date], int] = {}
            for fact in facts:
                merged[fact.day, fact.counted_on] = merged.get((fact.day, fact.counted_on), 0) + fact.amount_minor
            for (day, counted), amount in merged.items():
                db.session.add(SpendDay(member_id=ident, day=day, counted_on=counted, amount_minor=amount))
                days.add(counted)
        db.session.flush()
        facts = facts_of(idents)
        walks = {ident: walk(facts[ident], policy, until=until) for ident in idents}
        days |= {c.on_day for done in walks.values() for c in done.changes}
        days |= _reviews(walks, policy, until)
        for day in sorted(days):
            step(day, everybody=everybody)
        db.session.expire_all()
        recorded = changes_of(idents)
        for ident, done in walks.items():
            got = [(c.on_day, c.from_rank, c.to_rank, c.reason, c.evidence) for c in recorded[ident]]
            assert got == [(c.on_day, c.from_rank, c.to_rank, c.reason, c.evidence.as_json()) for c in done.changes]
            assert standing_of(ident) == done.standing


def _reviews(walks, policy, until):
    """Every day on which a review may fall: the job runs on each day, the test only where something is due."""
    from loyalty.days import add_months

    found = set()
    for done in walks.values():
        for change in done.changes:
            day = add_months(change.on_day, policy.review_months)
            while day <= until:
                found.add(day)
                day = add_months(day, policy.review_months)
    return found


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    facts=st.lists(st.tuples(st.integers(0, 500), st.integers(1, 90_000), st.booleans()), max_size=8),
    shuffle=st.randoms(),
)
def test_the_order_of_recording_does_not_matter(app, make_tenant, facts, shuffle):
    """Whatever order purchases and refunds are told in, after the walk the standing is that of the facts."""
    from config.extensions import db
    from loyalty.members.services import create_member
    from loyalty.points.queries import forget_terms, terms
    from loyalty.purchases.refunds import record_refunds
    from loyalty.tiers.queries import changes_of, facts_of, standing_of
    from loyalty.tiers.rules import walk
    from loyalty.tiers.services import rewalk_stale, run_day
    from tenants.scope import tenant_scope

    today = DAY + timedelta(days=10)
    forget_terms()
    with app.app_context(), tenant_scope(make_tenant().id):
        member = create_member(number="1001").id
        order = list(enumerate(facts))
        shuffle.shuffle(order)
        for n, (days, amount, returned) in order:
            at = NOON - timedelta(days=days)
            record(buy(f"p{n}", amount, at=at))
            if returned:
                back = at + timedelta(days=min(days, 40))
                record_refunds(
                    [bring_back(f"r{n}", ("A", 1, amount // 2), original=("x", f"p{n}"), at=back)], source="x"
                )
        run_day(today)
        rewalk_stale(today=today)
        db.session.expire_all()
        known = terms()
        if known is None:
            return
        done = walk(facts_of([member])[member], known.policy, until=today, day_over=False)
        assert standing_of(member) == done.standing
        recorded = [(c.on_day, c.to_rank) for c in changes_of([member])[member]]
        assert recorded == [(c.on_day, c.to_rank) for c in done.changes]


def test_what_tier_on_a_day_and_why(join):
    from loyalty.points.queries import terms
    from loyalty.tiers.queries import history_until, position

    member = join()
    record(buy("1", 35_000), buy("2", 70_000, at=NOON + timedelta(days=40)))
    policy = terms().policy
    assert history_until(member.id, policy=policy, day=DAY + timedelta(days=39)).standing.rank == 1
    assert history_until(member.id, policy=policy, day=DAY + timedelta(days=40)).standing.rank == 2
    from loyalty.tiers.services import rewalk_stale

    rewalk_stale(today=DAY + timedelta(days=41))
    where = position(member.id, terms=terms(), day=DAY + timedelta(days=41))
    assert (where.level.key, where.next_level.key, where.progress.missing_minor) == ("gold", "platinum", 195_000)
