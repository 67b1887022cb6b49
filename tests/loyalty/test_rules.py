"""Properties of the pure rules: points, lapses, reversals, matching, tiers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.days import add_months, day_of, start_of_day
from loyalty.points.rules import (
    Earning,
    LotState,
    Validity,
    earn,
    lapse,
    returned_share,
    reverse_now,
    spread,
    take,
)
from loyalty.purchases.rules import BoughtLine, ReturnLine, content_hash, match_returns
from loyalty.tiers.rules import Policy, SpendFact, Standing, progress, spend_on, tier_on, walk

ZONES = ["Asia/Shanghai", "Europe/London", "Pacific/Kiritimati", "America/Sao_Paulo", "Asia/Beirut"]
DAYS = st.dates(date(1995, 1, 1), date(2040, 12, 31))
AMOUNTS = st.lists(st.integers(-500, 100_000), min_size=1, max_size=12)


@given(st.integers(0, 10_000), AMOUNTS)
def test_a_spread_adds_up_and_stays_within_one_of_its_share(total, weights):
    parts = spread(total, weights)
    whole = sum(w for w in weights if w > 0)
    if not whole:
        assert parts == (0,) * len(weights)
        return
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * max(0, weight), whole)) < 1


@given(AMOUNTS, st.decimals("0.01", "20", places=2), st.sampled_from(["order", "line"]))
def test_what_the_lines_earned_is_what_the_basket_earned(lines, rate, rounding):
    got = earn(lines, Earning(rate, rounding=rounding))
    assert got.points >= 0
    assert got.points == sum(got.by_line) or sum(lines) <= 0
    if rounding == "order":
        assert got.points == max(0, Fraction(sum(lines)) * Fraction(rate) // 100)


@pytest.mark.parametrize("exponent", [0, 2, 3])
def test_the_currency_decides_where_the_point_stands(exponent):
    assert earn([7 * 10**exponent], Earning(Decimal(2)), exponent=exponent).points == 14


@given(DAYS, st.integers(1, 60), st.sampled_from(["none", "month", "quarter", "year"]))
@pytest.mark.parametrize("zone", ZONES)
def test_the_last_day_counts_to_its_end(zone, day, months, round_up):
    tz = ZoneInfo(zone)
    got = lapse(day, Validity(months, round_up), tz)
    assert got is not None
    assert got.last_day >= add_months(day, months)
    assert day_of(got.at - timedelta(microseconds=1), tz) <= got.last_day
    assert day_of(got.at, tz) > got.last_day


def test_points_without_a_limit_never_lapse():
    assert lapse(date(2026, 1, 1), Validity(None), ZoneInfo("UTC")) is None


def test_a_month_added_to_the_31st_is_clamped():
    assert add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert add_months(date(2024, 2, 29), -12) == date(2023, 2, 28)


@given(st.integers(0, 5_000), st.lists(st.fractions(0, 1), max_size=8))
def test_refunds_never_take_back_more_than_was_given(awarded, parts):
    returned, taken = Fraction(0), 0
    for part in parts:
        returned = min(Fraction(1), returned + part)
        now = reverse_now(awarded, share=returned, already=taken)
        assert now >= 0
        taken += now
        assert taken == awarded * returned // 1
    assert taken <= awarded


def test_a_line_without_quantity_is_returned_whole():
    assert returned_share(returned=0, of=0) == 1
    assert returned_share(returned=Decimal("1.5"), of=Decimal(3)) == Fraction(1, 2)


NOW = datetime(2026, 6, 1, tzinfo=UTC)


def _lot(n: int, remaining: int, *, expired: int = 0, days: int | None = 30) -> LotState:
    lapses = NOW + timedelta(days=days) if days is not None else None
    return LotState(UUID(int=n), remaining, expired, lapses, NOW - timedelta(days=90))


def test_a_reversal_takes_its_own_lot_first_then_first_expiring_then_forgives():
    own, never, soon = _lot(1, 10), _lot(2, 50, days=None), _lot(3, 20, days=5)
    got = take(35, own=own, others=[never, soon], now=NOW)
    assert got.lots == ((own.id, 10), (soon.id, 20), (never.id, 5))
    assert take(200, own=own, others=[never, soon], now=NOW).forgiven == 120


def test_points_that_lapsed_unspent_count_as_given_back():
    other = _lot(2, 500)
    posted = take(100, own=_lot(1, 0, expired=100, days=-3), others=[other], now=NOW)
    late = take(100, own=_lot(1, 100, days=-3), others=[other], now=NOW)
    assert (posted.from_lapsed, posted.lots) == (100, ())
    assert late.lots == ((UUID(int=1), 100),)
    assert take(10, own=_lot(1, 0), others=[_lot(2, 99, days=-1)], now=NOW).forgiven == 10


@given(st.integers(0, 300), st.lists(st.tuples(st.integers(0, 60), st.integers(-5, 5)), max_size=6))
def test_a_taking_is_complete_and_within_the_lots(need, others):
    lots = [_lot(i + 2, left, days=days) for i, (left, days) in enumerate(others)]
    own = _lot(1, 40, expired=10)
    got = take(need, own=own, others=lots, now=NOW)
    assert got.points + got.forgiven == need
    left = {lot.id: lot.remaining for lot in (own, *lots)}
    assert all(0 < points <= left[ident] for ident, points in got.lots)


# ------------------------------------------------------------------- matching


def _bought(n: int, *, day: int, left: str, sku: str = "A") -> BoughtLine:
    return BoughtLine(UUID(int=n), sku, NOW + timedelta(days=day), 1, Decimal(left))


def test_a_return_goes_to_the_latest_earlier_purchase_and_splits():
    shelf = [
        _bought(1, day=-9, left="4"),
        _bought(2, day=-3, left="2"),
        _bought(3, day=1, left="9"),
    ]
    got = match_returns([ReturnLine(1, "A", Decimal(5), 1000)], shelf, occurred_at=NOW)
    assert [(m.purchase_line_id, m.quantity, m.amount_minor) for m in got] == [
        (UUID(int=2), Decimal(2), 400),
        (UUID(int=1), Decimal(3), 600),
    ]


def test_what_finds_no_original_is_kept_without_one():
    returns = [ReturnLine(1, "A", Decimal(3), 100), ReturnLine(2, "A", Decimal(1), 50)]
    got = match_returns(returns, [_bought(1, day=-1, left="2")], occurred_at=NOW)
    assert [(m.line_no, m.purchase_line_id, m.quantity) for m in got] == [
        (1, UUID(int=1), Decimal(2)),
        (1, None, Decimal(1)),
        (2, None, Decimal(1)),
    ]
    assert sum(m.amount_minor for m in got) == 150


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 900)), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(-5, 2), st.integers(0, 6)), max_size=6),
)
def test_matching_loses_nothing_and_overdraws_nothing(returns, shelf):
    bought = [_bought(i + 1, day=day, left=str(left)) for i, (day, left) in enumerate(shelf)]
    lines = [ReturnLine(i, "A", Decimal(q), a) for i, (q, a) in enumerate(returns)]
    got = match_returns(lines, bought, occurred_at=NOW)
    for line in lines:
        parts = [m for m in got if m.line_no == line.line_no]
        assert sum(m.quantity for m in parts) == line.quantity
        assert sum(m.amount_minor for m in parts) == line.amount_minor
    for shelf_line in bought:
        used = sum(m.quantity for m in got if m.purchase_line_id == shelf_line.id)
        assert used <= (shelf_line.left if shelf_line.occurred_at <= NOW else 0)


def test_a_hash_is_of_the_content_not_of_its_writing():
    at = datetime(2026, 1, 1, 8, tzinfo=ZoneInfo("Asia/Shanghai"))
    one = content_hash({"a": Decimal("2.0"), "at": at})
    assert one == content_hash({"at": at.astimezone(UTC), "a": Decimal("2.00")})
    assert one != content_hash({"at": at, "a": Decimal("2.01")})


# ------------------------------------------------------------------- tiers

POLICY = Policy((0, 1000, 3000, 8000))
T0 = date(2024, 1, 31)


@st.composite
def spend_facts(draw: st.DrawFn) -> list[SpendFact]:
    facts = []
    for _ in range(draw(st.integers(0, 14))):
        day = T0 + timedelta(days=draw(st.integers(0, 900)))
        amount = draw(st.integers(1, 4000))
        facts.append(SpendFact(day, day, amount))
        if draw(st.booleans()):
            back = day + timedelta(days=draw(st.integers(0, 60)))
            facts.append(SpendFact(day, back, -draw(st.integers(1, amount))))
    return facts


@given(spend_facts(), st.integers(0, 1000), st.integers(0, 1000))
def test_a_walk_may_be_interrupted_anywhere(facts, first, second):
    middle, end = T0 + timedelta(days=min(first, second)), T0 + timedelta(days=max(first, second))
    whole = walk(facts, POLICY, until=end)
    part = walk(facts, POLICY, until=middle)
    rest = walk(facts, POLICY, until=end, start=part.standing, after=middle)
    assert part.changes + rest.changes == whole.changes
    assert rest.standing == whole.standing


@given(spend_facts(), st.integers(0, 1000), st.randoms())
def test_a_tier_does_not_depend_on_the_order_or_the_future(facts, days, random):
    day = T0 + timedelta(days=days)
    past = [f for f in facts if f.counted_on <= day]
    random.shuffle(past)
    assert tier_on(past, POLICY, day=day) == tier_on(facts, POLICY, day=day)


@given(spend_facts())
def test_every_change_is_proved_by_its_evidence(facts):
    done = walk(facts, POLICY, until=T0 + timedelta(days=1200))
    rank = 0
    for change in done.changes:
        assert change.from_rank == rank
        rank = change.to_rank
        assert change.evidence.spend_minor == spend_on(facts, day=change.on_day, policy=POLICY)
        assert POLICY.rank(change.evidence.spend_minor) == change.to_rank
        if change.to_rank < change.from_rank:
            assert change.reason == "review"
    assert rank == done.standing.rank


def test_a_tier_holds_until_its_review_and_then_becomes_what_is_earned():
    start = date(2024, 3, 1)
    facts = [SpendFact(start, start, 3000), SpendFact(date(2024, 9, 1), date(2024, 9, 1), 1200)]
    done = walk(facts, POLICY, until=date(2025, 12, 31))
    assert [(c.on_day, c.to_rank) for c in done.changes] == [(start, 2), (date(2025, 3, 1), 1)]
    assert done.changes[1].evidence.left_window_minor == 3000
    assert done.standing == Standing(1, date(2025, 3, 1), date(2026, 3, 1))


def test_progress_says_what_is_missing_until_when_and_what_the_review_needs():
    day = date(2024, 6, 1)
    facts = [SpendFact(T0, T0, 900), SpendFact(day, day, 400)]
    standing = tier_on(facts, POLICY, day=day)
    got = progress(facts, POLICY, day=day, standing=standing)
    assert (got.rank, got.next_rank, got.missing_minor) == (1, 2, 1700)
    assert got.count_until == date(2025, 1, 30)
    assert got.needed_at_review_minor == 1000  # both days have left the window by then


@pytest.mark.parametrize("ladder", [(), (1,), (0, 0), (0, 5, 5)])
def test_a_ladder_must_start_at_nothing_and_climb(ladder):
    with pytest.raises(ValueError, match=r"tier|climb"):
        Policy(ladder)


@given(DAYS)
@pytest.mark.parametrize("zone", ZONES)
def test_a_day_begins_where_it_begins(zone, day):
    tz = ZoneInfo(zone)
    assert day_of(start_of_day(day, tz), tz) >= day
    assert day_of(start_of_day(day, tz) - timedelta(microseconds=1), tz) < day
