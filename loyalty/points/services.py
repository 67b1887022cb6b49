"""Verbs of points: found the programme, award, post lapses, prove the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_precision
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from config.extensions import db
from loyalty.days import day_of
from loyalty.points import ledger
from loyalty.points.models import IdempotencyKey, Programme, RuleVersion
from loyalty.points.queries import Terms, forget_terms, in_transaction, terms, unproved
from loyalty.points.rules import Lapse, Validity, lapse
from loyalty.tiers.models import TierLevel, TierPolicy
from tenants.errors import AppError, Conflict, NotFound
from tenants.events import Fact, current_actor_ref, record
from tenants.ids import new_id
from tenants.info import tenant_info


class EventDiffers(Conflict):
    """The same business event was booked before with another content; nothing was changed."""

    code = "event_differs"
    sentence = _l("This event is already recorded with another content. Nothing was changed.")


class KeyReused(Conflict):
    """The Idempotency-Key was used before with another body."""

    code = "idempotency_key_reused"
    sentence = _l("This Idempotency-Key was used before for another request. Use a new key.")


class UnknownMember(NotFound):
    """No member has this number or card."""

    code = "unknown_member"
    sentence = _l("No member has this number or card.")


class StaleRules(AppError):
    """The rules were changed while this was computed, more than once in a row."""

    code = "rules_changed"


REFUSALS: dict[str, type[AppError]] = {
    "event_differs": EventDiffers,
    "key_reused": KeyReused,
    "unknown_member": UnknownMember,
    "stale_rules": StaleRules,
}


@dataclass(frozen=True)
class LedgerProved(Fact):
    """The cached balances were compared with the ledger; `differences` should be 0."""

    kind: ClassVar[str] = "ledger.proved"
    differences: int


DEFAULT_RULE: dict[str, Any] = {"points": "1", "step": None, "rounding": "order", "months": 12, "round_up": "month"}
# In major units of a currency near the dollar; SCALE brings other currencies to round figures of like worth.
DEFAULT_LEVELS = (
    ("member", 0, "#6c7a91", ("Member", "普通会员", "普通會員")),
    ("silver", 300, "#8a94a6", ("Silver", "银卡", "銀卡")),
    ("gold", 1000, "#b8860b", ("Gold", "金卡", "金卡")),
    ("platinum", 3000, "#5b6ee1", ("Platinum", "白金卡", "白金卡")),
)
SCALE = {"CNY": 10, "HKD": 10, "TWD": 30, "JPY": 100, "KRW": 1000, "INR": 100}
LANGUAGES = ("en", "zh_Hans", "zh_Hant")


@lru_cache(maxsize=64)
def exponent_of(currency: str) -> int:
    """Decimals of a currency's minor unit: 2 for GBP, 0 for JPY."""
    return int(get_currency_precision(currency))


def ensure_programme() -> Terms:
    """The tenant's programme, founded with the defaults if there is none. Harmless to race."""
    found = terms() or terms(fresh=True)
    if found is None:
        _found_programme()
        found = terms(fresh=True)
        assert found is not None
        forget_terms()  # not committed yet: what is rolled back must not be remembered
    return found


def _found_programme() -> None:
    info = tenant_info()
    unit = SCALE.get(info.currency, 1) * 10 ** exponent_of(info.currency)
    levels = [(key, amount * unit, colour, names) for key, amount, colour, names in DEFAULT_LEVELS]
    statement = insert(Programme).values(
        name=info.name,
        rule_version=1,
        tier_policy_version=1,
        tier_thresholds=[amount for _, amount, _, _ in levels[1:]],
        tier_window_months=12,
        tier_review_months=12,
    )
    if not db.session.execute(statement.on_conflict_do_nothing().returning(Programme.rule_version)).first():
        return
    db.session.add(RuleVersion(version=1, document=DEFAULT_RULE))
    policy = TierPolicy(id=new_id(), version=1, window_months=12, review_months=12)
    db.session.add(policy)
    db.session.flush()  # the levels refer to the policy
    for rank, (key, amount, colour, names) in enumerate(levels):
        name = dict(zip(LANGUAGES, names, strict=True))
        db.session.add(TierLevel(policy_id=policy.id, rank=rank, key=key, name=name, from_minor=amount, colour=colour))
    db.session.flush()  # the caller may ask for the terms in the same transaction


def publish_rule(document: dict[str, Any]) -> int:
    """Publish an earning rule as the next version; it holds for what occurs from now on.

    The document: points and step as decimal text, rounding "order" or "line", months or None, round_up.
    """
    ensure_programme()
    statement = update(Programme).values(rule_version=Programme.rule_version + 1).returning(Programme.rule_version)
    version = db.session.execute(statement).scalar_one()
    db.session.add(RuleVersion(version=version, document=document))
    db.session.flush()  # the next terms() of this transaction reads it
    forget_terms()
    return int(version)


@lru_cache(maxsize=4096)
def lapse_of(awarded_on: date, validity: Validity, zone: ZoneInfo) -> Lapse | None:
    """When points awarded on a local day lapse, remembered because a day has many awards."""
    return lapse(awarded_on, validity, zone)


@dataclass(frozen=True)
class AwardDoc:
    """A bare award: points for a member (number or card) under a business event."""

    member: str
    points: int
    external_id: str
    occurred_at: datetime | None = None
    note: str | None = None


@dataclass(frozen=True)
class Awarded:
    """The answer to an award, the same however often it is asked for. `balance` is that after the award."""

    status: str
    entry_id: UUID | None
    points: int | None
    balance: int | None
    last_day: date | None


def _values(doc: AwardDoc, known: Terms, now: datetime) -> tuple[dict[str, Any], int]:
    occurred_at = doc.occurred_at or now
    zone = tenant_info().tz
    rule = known.at(occurred_at)
    ends = lapse_of(day_of(occurred_at, zone), rule.validity, zone)
    values = {
        "member": doc.member,
        "points": doc.points,
        "external_id": doc.external_id,
        "occurred_at": occurred_at,
        "last_day": ends.last_day if ends else None,
        "lapses_at": ends.at if ends else None,
        "note": doc.note,
    }
    return values, rule.version


def award(
    doc: AwardDoc, *, source: str, key: str | None = None, body: bytes | None = None, now: datetime | None = None
) -> Awarded:
    """Award points once for ever under (source, external id). One committed round trip outside a transaction.

    Raises UnknownMember, EventDiffers, KeyReused.
    """
    direct = not in_transaction()
    known = terms() if direct else ensure_programme()
    if known is None:
        direct, known = False, ensure_programme()
    values, version = _values(doc, known, now or datetime.now(UTC))
    request = {"source": source, "rules": version, "actor": current_actor_ref(), "key": key, "body": body}
    row = ledger.award({**values, **request}, direct=direct)
    refusal = REFUSALS.get(row.status)
    if refusal:
        raise refusal
    return Awarded(*row)


def award_many(
    docs: Sequence[AwardDoc],
    *,
    source: str,
    key: str | None = None,
    body: bytes | None = None,
    now: datetime | None = None,
) -> list[Awarded]:
    """Award a batch; one answer for each document, in order, refusals as its status. Raises KeyReused."""
    direct = not in_transaction()
    known = terms() if direct else ensure_programme()
    if known is None:
        direct, known = False, ensure_programme()
    moment = now or datetime.now(UTC)
    rows = [{"n": n, "source": source, **_values(doc, known, moment)[0]} for n, doc in enumerate(docs)]
    values = {"rules": known.newest, "actor": current_actor_ref(), "key": key, "body": body}
    found = ledger.award_many(rows, values, direct=direct)
    if found and found[0].n is None:
        raise REFUSALS[found[0].status]
    return [Awarded(*row[1:]) for row in found]


def post_lapses(*, as_of: datetime, limit: int = 5000) -> int:
    """Post what lapsed by an instant; call again while it returns `limit`. Late, twice or never: same spendable."""
    return ledger.post_lapses(as_of=as_of, limit=limit)


def prove_ledger(*, now: datetime) -> int:
    """Compare every cached balance with its replay, note the result on the programme; how many differ."""
    wrong = unproved()
    proof = {"differences": len(wrong), "members": [str(row.member_id) for row in wrong]}
    db.session.execute(update(Programme).values(proved_at=now, proof=proof))
    record(LedgerProved(differences=len(wrong)))
    return len(wrong)


def use_key(key: str, body: bytes) -> None:
    """Note a request key with the hash of its body, in the current transaction. Raises KeyReused."""
    statement = insert(IdempotencyKey).values(key=key, body_hash=body).on_conflict_do_nothing()
    if db.session.execute(statement.returning(IdempotencyKey.key)).first():
        return
    known = db.session.scalar(select(IdempotencyKey.body_hash).where(IdempotencyKey.key == key))
    if known is not None and known != body:
        raise KeyReused


def forget_keys(*, before: datetime) -> int:
    """Forget request keys used before an instant; the business keys stay for ever."""
    result = db.session.execute(delete(IdempotencyKey).where(IdempotencyKey.used_at < before))
    return int(result.rowcount)  # type: ignore[attr-defined]  # a cursor result
