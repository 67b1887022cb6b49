"""The one definition of a member's tier: a pure function of facts, policy and day.

The till, the portal ("how far, and why"), the preview and the nightly job all mean this walk.
The set-based SQL of the job is proved equal to it by property test.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import accumulate
from typing import Literal

from loyalty.days import add_months

Reason = Literal["earned", "review"]


@dataclass(frozen=True)
class SpendFact:
    """Spend that counts for tiers, in minor units.

    `day` decides when it leaves the window (the day of the purchase, also for a refund);
    `counted_on` is the day from which it is known (a refund: the day of the refund).
    """

    day: date
    counted_on: date
    amount_minor: int


@dataclass(frozen=True)
class Policy:
    """A published tier policy. `thresholds[r]` is the spend from which rank r begins, inclusive.

    Rank 0 is everybody's and begins at 0.
    """

    thresholds: tuple[int, ...]
    window_months: int = 12
    review_months: int = 12
    version: int = 1

    def __post_init__(self) -> None:
        """Refuse a ladder that does not start at 0 or does not climb."""
        if not self.thresholds or self.thresholds[0] != 0:
            raise ValueError("the first tier starts at 0")
        if any(a >= b for a, b in zip(self.thresholds, self.thresholds[1:], strict=False)):
            raise ValueError("thresholds must climb")
        if self.window_months < 1 or self.review_months < 1:
            raise ValueError("months must be positive")

    def rank(self, spend_minor: int) -> int:
        """The highest rank whose threshold the spend reaches; 0 for less than nothing too."""
        return max(0, bisect_right(self.thresholds, spend_minor) - 1)

    def window_opens_after(self, day: date) -> date:
        """Spend of this day has just left the window of `day`; the next day's still counts."""
        return add_months(day, -self.window_months)


@dataclass(frozen=True)
class Standing:
    """Where a member stands: the rank, since when, and when it is reviewed (never at rank 0)."""

    rank: int = 0
    since: date | None = None
    review_on: date | None = None


@dataclass(frozen=True)
class Evidence:
    """Why a tier changed: the window, the spend in it, and what had gone since the last change."""

    first_day: date
    last_day: date
    spend_minor: int
    needed_minor: int
    left_window_minor: int
    refunded_minor: int

    def as_json(self) -> dict[str, str | int]:
        """The evidence as it is kept with the change; the SQL step writes the same names."""
        return {
            "first_day": self.first_day.isoformat(),
            "last_day": self.last_day.isoformat(),
            "spend_minor": self.spend_minor,
            "needed_minor": self.needed_minor,
            "left_window_minor": self.left_window_minor,
            "refunded_minor": self.refunded_minor,
        }


@dataclass(frozen=True)
class Change:
    """One move of a member between ranks, with the proof."""

    on_day: date
    from_rank: int
    to_rank: int
    reason: Reason
    evidence: Evidence


@dataclass(frozen=True)
class Walk:
    """All changes up to a day, and the standing at its end."""

    changes: tuple[Change, ...]
    standing: Standing


def spend_on(facts: Iterable[SpendFact], *, day: date, policy: Policy) -> int:
    """Spend in (day − window, day], as known on `day`, in minor units."""
    opens = policy.window_opens_after(day)
    return sum(f.amount_minor for f in facts if opens < f.day <= day and f.counted_on <= day)


class _Spend:
    """Window sums over facts sorted once, so that a walk is not quadratic in the facts."""

    def __init__(self, facts: Sequence[SpendFact]) -> None:
        self.plain = all(f.day == f.counted_on for f in facts)
        self.facts = sorted(facts, key=lambda f: (f.day, f.counted_on))
        self.days = [f.day for f in self.facts]
        self.sums = [0, *accumulate(f.amount_minor for f in self.facts)]

    def within(self, after: date, until: date, *, known_on: date) -> int:
        """Sum of the facts with after < day ≤ until, known on a day."""
        low, high = bisect_right(self.days, after), bisect_right(self.days, until)
        if self.plain and until <= known_on:
            return self.sums[high] - self.sums[low]
        return sum(f.amount_minor for f in self.facts[low:high] if f.counted_on <= known_on)

    def taken_back(self, after: date, until: date, *, since: date) -> int:
        """Refunds made since a day for spend still in the window, as a positive figure."""
        low, high = bisect_right(self.days, after), bisect_right(self.days, until)
        return -sum(
            f.amount_minor for f in self.facts[low:high] if f.amount_minor < 0 and since < f.counted_on <= until
        )


def walk(
    facts: Sequence[SpendFact],
    policy: Policy,
    *,
    until: date,
    start: Standing | None = None,
    after: date | None = None,
    day_over: bool = True,
) -> Walk:
    """Follow a member to the end of `until`, from the beginning or from `start` at the end of `after`.

    With `day_over` false the last day is still running: its facts count, its review waits for its end.

    On a day with facts an earned higher rank is given at once. On a review day the rank
    becomes what is earned then; the next review is `review_months` later. Nothing else
    moves a tier: spending points never does.
    """
    spend = _Spend(facts)
    standing = start or Standing()
    changes: list[Change] = []
    days = {f.counted_on for f in facts if f.counted_on <= until}
    for day in sorted(d for d in days if after is None or d > after):
        standing = _reviews(spend, policy, day - timedelta(days=1), standing, changes)
        reviewed = day_over or day < until
        standing = _step(spend, policy, day, standing, changes, reviews=reviewed)
    last = until if day_over else until - timedelta(days=1)
    standing = _reviews(spend, policy, last, standing, changes)
    return Walk(tuple(changes), standing)


def _reviews(
    spend: _Spend,
    policy: Policy,
    until: date,
    standing: Standing,
    changes: list[Change],
) -> Standing:
    """All reviews due up to a day, one after the other."""
    while standing.review_on and standing.review_on <= until:
        standing = _step(spend, policy, standing.review_on, standing, changes)
    return standing


def _step(
    spend: _Spend,
    policy: Policy,
    day: date,
    standing: Standing,
    changes: list[Change],
    *,
    reviews: bool = True,
) -> Standing:
    """What one day does to a standing; appends the change if there is one."""
    opens = policy.window_opens_after(day)
    counted = spend.within(opens, day, known_on=day)
    earned = policy.rank(counted)
    review_on = standing.review_on
    review = reviews and review_on is not None and review_on <= day
    if earned > standing.rank or (review and earned != standing.rank):
        reason: Reason = "earned" if earned > standing.rank else "review"
        evidence = _evidence(spend, policy, day, standing)
        changes.append(Change(day, standing.rank, earned, reason, evidence))
        return Standing(earned, day, add_months(day, policy.review_months) if earned else None)
    if review and review_on:
        return replace(standing, review_on=add_months(review_on, policy.review_months))
    return standing


def _evidence(spend: _Spend, policy: Policy, day: date, before: Standing) -> Evidence:
    """The figures behind a change: the window, its spend, and what went since the last change."""
    opens = policy.window_opens_after(day)
    counted = spend.within(opens, day, known_on=day)
    left = refunded = 0
    if before.since:
        left = spend.within(policy.window_opens_after(before.since), opens, known_on=day)
        refunded = spend.taken_back(opens, day, since=before.since)
    needed = policy.thresholds[max(policy.rank(counted), before.rank)]
    return Evidence(opens + timedelta(days=1), day, counted, needed, left, refunded)


def tier_on(facts: Sequence[SpendFact], policy: Policy, *, day: date) -> Standing:
    """The standing at the end of a day, as a pure function of facts, policy and day."""
    return walk(facts, policy, until=day).standing


@dataclass(frozen=True)
class Progress:
    """How far it is to the next rank, and until when the present one holds."""

    rank: int
    since: date | None
    review_on: date | None
    spend_minor: int
    next_rank: int | None
    missing_minor: int
    count_until: date | None
    needed_at_review_minor: int


def progress(facts: Sequence[SpendFact], policy: Policy, *, day: date, standing: Standing) -> Progress:
    """What is missing to the next tier, until when today's spend still helps, what review needs.

    `count_until` is the last day on which all of today's counted spend is still in the window.
    """
    opens = policy.window_opens_after(day)
    counted = spend_on(facts, day=day, policy=policy)
    higher = [r for r, t in enumerate(policy.thresholds) if t > counted and r > standing.rank]
    nxt = higher[0] if higher else None
    oldest = min((f.day for f in facts if opens < f.day <= day), default=None)
    until = add_months(oldest, policy.window_months) - timedelta(days=1) if oldest else None
    return Progress(
        rank=standing.rank,
        since=standing.since,
        review_on=standing.review_on,
        spend_minor=counted,
        next_rank=nxt,
        missing_minor=policy.thresholds[nxt] - counted if nxt is not None else 0,
        count_until=until,
        needed_at_review_minor=_needed_at_review(facts, policy, standing),
    )


def _needed_at_review(facts: Sequence[SpendFact], policy: Policy, standing: Standing) -> int:
    """Spend still to be made before the review so that the rank is kept, if nothing else happens."""
    if standing.review_on is None:
        return 0
    then = spend_on(facts, day=standing.review_on, policy=policy)
    return max(0, policy.thresholds[standing.rank] - then)
