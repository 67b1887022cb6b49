"""The worked examples of the product, read as data: tests/data/examples/points.json.

Waiting for issue 3, because they need burns, gifts, caps, pending points or further limits:
P04 P05 P06 P09 P12 P13 P15 P16 P17 P22 P25 P27 P28. P14 and P23 are in test_purchases.py,
where there is a database; P05's expiry and P09's policy are also seen in test_ledger.py.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loyalty.days import day_of
from loyalty.points.rules import Earning, Validity, earn, lapse, reverse_now
from loyalty.tiers.rules import Policy, SpendFact, tier_on, walk

FILE = Path(__file__).parent.parent / "data" / "examples" / "points.json"
CASES: dict[str, dict[str, Any]] = {case["id"]: case for case in json.loads(FILE.read_text(encoding="utf-8"))["cases"]}
SHANGHAI = ZoneInfo("Asia/Shanghai")


def minor(text: str) -> int:
    return int(Decimal(text).scaleb(2))


@pytest.mark.example("P01")
def test_rounding_per_order_or_per_line():
    case = CASES["P01"]
    lines = [minor(x) for x in case["lines"]]
    for rounding, key in (("order", "floor_per_order"), ("line", "floor_per_line")):
        assert earn(lines, Earning(Decimal(1), rounding=rounding)).points == case["expected"][key]


@pytest.mark.example("P02")
def test_only_full_steps_count():
    rule = Earning(Decimal(5), step=Decimal("2.50"))
    assert earn([minor(CASES["P02"]["order_total"])], rule).points == CASES["P02"]["expected"]


@pytest.mark.example("P03")
def test_no_binary_floats():
    got = earn([minor(CASES["P03"]["order_total"])], Earning(Decimal("0.1")))
    assert got.points == CASES["P03"]["expected"]


@pytest.mark.example("P07", "P08")
@pytest.mark.parametrize("ident", ["P07", "P08"])
def test_a_refund_reads_what_each_line_earned(ident):
    case = CASES[ident]
    shares: dict[int, Fraction] = {}
    taken: dict[int, int] = {}
    reversed_now = []
    for refund in case["refunds"]:
        line = refund["line"]
        shares[line] = shares.get(line, Fraction(0)) + Fraction(refund["fraction"])
        awarded = case["awarded_by_line"][str(line)]
        points = reverse_now(awarded, share=shares[line], already=taken.get(line, 0))
        taken[line] = taken.get(line, 0) + points
        reversed_now.append(points)
    assert reversed_now == case["expected"]["reversed"]
    assert sum(case["awarded_by_line"].values()) - sum(reversed_now) == case["expected"]["left"]


@pytest.mark.example("P10")
def test_a_refund_after_the_rule_changed_reads_what_was_recorded():
    case = CASES["P10"]
    awarded = earn([minor(case["order_total"])], Earning(Decimal(1))).points
    assert awarded == case["expected"]["awarded"]
    assert reverse_now(awarded, share=Fraction(1), already=0) == case["expected"]["reversed"]


@pytest.mark.example("P11")
@pytest.mark.parametrize("award", CASES["P11"]["awards"], ids=lambda a: a["at"])
def test_expiry_date_arithmetic(award):
    day = day_of(datetime.fromisoformat(award["at"]), SHANGHAI)
    got = lapse(day, Validity(12, award["round_up"]), SHANGHAI)
    assert got is not None
    assert got.last_day == date.fromisoformat(award["expected_last_day"])
    if "expected_lapse_instant" in award:
        expected = datetime.fromisoformat(award["expected_lapse_instant"])
        assert got.at == expected
        assert got.at.tzinfo is UTC


@pytest.mark.example("P18")
def test_threshold_is_inclusive():
    case = CASES["P18"]
    policy = Policy((0, minor(case["silver_from"])))
    names = {0: "base", 1: "silver"}
    day = date(2026, 3, 1)
    got = [names[tier_on([SpendFact(day, day, minor(spend))], policy, day=day).rank] for spend in case["spend"]]
    assert got == case["expected"]


@pytest.mark.example("P19")
def test_the_purchase_that_crosses_earns_at_the_tier_before_it():
    case = CASES["P19"]
    policy = Policy((0, minor(case["silver_from"])))
    before, day = date(2026, 3, 1), date(2026, 3, 2)
    facts = [SpendFact(before, before, minor(case["spend_before"]))]
    rank = tier_on(facts, policy, day=day).rank
    rate = Decimal([case["rates"]["base"], case["rates"]["silver"]][rank])
    assert earn([minor(case["purchase"])], Earning(rate)).points == case["expected"]["points"]
    facts.append(SpendFact(day, day, minor(case["purchase"])))
    assert tier_on(facts, policy, day=day).rank == 1


@pytest.mark.example("P20")
def test_spending_points_never_lowers_the_tier():
    # A burn is no spend fact, so nothing in the walk can see it; only facts and reviews move.
    day = date(2026, 3, 1)
    silver = tier_on([SpendFact(day, day, 100_000)], Policy((0, 100_000)), day=date(2026, 12, 1))
    assert silver.rank == 1


@pytest.mark.example("P21")
def test_a_refund_lowers_the_qualifying_value_at_review():
    case = CASES["P21"]
    policy = Policy((0, minor(case["silver_from"])))
    first, second = (minor(x) for x in case["purchases"])
    day = date(2026, 1, 10)
    facts = [
        SpendFact(day, day, first),
        SpendFact(date(2026, 2, 1), date(2026, 2, 1), second),
        SpendFact(date(2026, 2, 1), date(2026, 3, 1), -minor(case["refund"])),
        # keeps the qualifying spend at 600.00 in the window of the review as well
        SpendFact(date(2026, 6, 1), date(2026, 6, 1), first),
        SpendFact(date(2026, 6, 1), date(2026, 6, 2), -first),
    ]
    assert tier_on(facts[:3], policy, day=date(2026, 3, 2)).rank == 1
    done = walk(facts[:3], policy, until=date(2027, 2, 1))
    assert done.standing.rank == 0
    down = done.changes[-1]
    assert (down.reason, down.on_day) == ("review", date(2027, 2, 1))
    assert down.evidence.needed_minor == minor(case["silver_from"])


@pytest.mark.example("P24")
def test_first_tier_starts_at_nothing():
    case = CASES["P24"]
    policy = Policy(tuple(minor(tier["from"]) for tier in case["tiers"]))
    rank = tier_on([], policy, day=date(2026, 1, 1)).rank
    assert case["tiers"][rank]["name"] == case["expected"]


@pytest.mark.example("P26")
def test_floor_per_order_spread_by_largest_remainder():
    case = CASES["P26"]
    got = earn([minor(x) for x in case["lines"]], Earning(Decimal(1)))
    assert (got.points, list(got.by_line)) == (
        case["expected"]["award"],
        case["expected"]["by_line"],
    )
