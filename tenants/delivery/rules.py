"""Which message may go where, and how long to wait before trying again. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tenants.delivery.phones import key

# What a person asked for in this minute needs no consent; everything else does.
ASKED_FOR = frozenset({"signin", "account"})
CONTACT = ("programme", "marketing")
# These stop programme and marketing only: a code the person asked for still goes.
CONTACT_ONLY = frozenset({"unsubscribed", "complaint"})

# Why a message was not sent; the keys are stable, the words are in labels.py.
REASONS = (
    "no_address",
    "no_consent",
    "unsubscribed",
    "suppressed",
    "bounced",
    "too_old",
    "no_gateway",
    "overtaken",
    "cancelled",
)

MOST_ATTEMPTS = 8
WAITS = (15, 60, 300, 900, 3600, 3 * 3600, 6 * 3600)  # seconds after the first, second, … failure
# A code or link is worthless later; do not keep trying.
LAST_USE = {"signin": timedelta(minutes=15), "account": timedelta(hours=6)}


@dataclass(frozen=True, slots=True)
class Target:
    """An address as the rules see it."""

    address_id: UUID | None
    channel: str
    value: str
    programme: bool = False
    marketing: bool = False
    bounced: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a message goes; with a `reason` it goes nowhere, and `target` says where it would have gone."""

    target: Target | None
    reason: str | None


Suppressed = Mapping[tuple[str, str], str]


def refusal(target: Target, purpose: str, suppressed: Suppressed, closed: Collection[str] = ()) -> str | None:
    """Why this purpose must not use this address now, None when it may. `closed` channels have no gateway."""
    why = suppressed.get((target.channel, key(target.value)))
    if why and (purpose in CONTACT or why not in CONTACT_ONLY):
        return {"hard_bounce": "bounced", "unsubscribed": "unsubscribed"}.get(why, "suppressed")
    if target.bounced:
        return "bounced"
    if purpose not in ASKED_FOR and not getattr(target, purpose):
        return "no_consent"
    return "no_gateway" if target.channel in closed else None


def choose(
    targets: Sequence[Target],
    *,
    purpose: str,
    channels: Sequence[str],
    suppressed: Suppressed,
    closed: Collection[str] = (),
) -> Choice:
    """The first channel of `channels` whose address may be used; else the first one's reason."""
    ordered = sorted((t for t in targets if t.channel in channels), key=lambda t: channels.index(t.channel))
    refused: list[Choice] = []
    for target in ordered:
        reason = refusal(target, purpose, suppressed, closed)
        if reason is None:
            return Choice(target, None)
        refused.append(Choice(target, reason))
    return refused[0] if refused else Choice(None, "no_address")


def is_too_old(occurred_at: datetime, *, now: datetime, max_age_days: int, purpose: str) -> bool:
    """Whether what happened is past telling. What people asked for themselves is never too old."""
    return purpose not in ASKED_FOR and occurred_at < now - timedelta(days=max_age_days)


def next_try(*, attempts: int, purpose: str, created_at: datetime, now: datetime) -> datetime | None:
    """When to try again after `attempts` failures, None to give up."""
    if attempts >= MOST_ATTEMPTS:
        return None
    at = now + timedelta(seconds=WAITS[min(attempts, len(WAITS)) - 1])
    last = LAST_USE.get(purpose)
    return None if last and at > created_at + last else at


STOP_WORDS = frozenset(
    "stop stopall unsubscribe cancel end quit arret revoke optout td t 退订 退訂 取消 停止 拒收 取消订阅 取消訂閱".split()
) | {"stop all", "opt out"}
START_WORDS = frozenset("start unstop 恢复 恢復 订阅 訂閱 开始 開始".split())


def reply_means(text: str) -> str | None:
    """What a text sent back to us asks for: "stop", "start" or None."""
    words = " ".join(text.strip().strip("。.!！\"'“”").lower().split())
    if words in STOP_WORDS:
        return "stop"
    return "start" if words in START_WORDS else None


GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_TWO = frozenset("^{}\\[~]|€\f")


def segments(text: str) -> tuple[str, int]:
    """The encoding a text needs ("GSM-7" or "UCS-2") and how many text messages it is billed as."""
    if all(c in GSM7 or c in GSM7_TWO for c in text):
        length = sum(2 if c in GSM7_TWO else 1 for c in text)
        return "GSM-7", 1 if length <= 160 else -(-length // 153)
    length = len(text.encode("utf-16-be")) // 2
    return "UCS-2", 1 if length <= 70 else -(-length // 67)
