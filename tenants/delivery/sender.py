"""Takes due messages, hands them out, writes down what came of it.

A message is claimed for some minutes, marked as handed over in a commit of its own, and only then
spoken to the world; its fate is written right after. So a crash at any point leaves at most one
message in doubt: it is sent once more with the same Message-ID and listed as maybe sent twice.
These functions commit: they must not run inside somebody's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, func, or_, select, update

from config.extensions import db
from tenants.delivery import feedback, queries, rules
from tenants.delivery.gateways import gateway
from tenants.delivery.models import Message
from tenants.delivery.packing import NOTHING_LEFT, give_up, pack
from tenants.delivery.parcels import Gateway, Parcel, Permanent, Temporary, Trouble, Unclear

BATCH = 100
CLAIM = timedelta(minutes=5)
OPEN = ("queued", "sending", "handed")


@dataclass(frozen=True)
class Batch:
    """What one round did: how many were taken, and whether a gateway was out of reach."""

    taken: int
    down: bool = False


def send_batch(*, urgent: bool = False, limit: int = BATCH) -> Batch:
    """Claim up to `limit` due messages of the tenant in force and deliver them. `urgent`: codes and links only."""
    now = datetime.now(UTC)
    until = now + CLAIM
    claimed = _claim(now=now, until=until, urgent=urgent, limit=limit)
    by_channel: dict[str, list[Parcel]] = {}
    for message, parcel in pack(claimed):
        by_channel.setdefault(str(message.channel), []).append(parcel)
    db.session.commit()
    down = False
    for channel, parcels in by_channel.items():
        down |= _deliver_all(channel, parcels, until)
    return Batch(len(claimed), down)


def next_due() -> datetime | None:
    """When the next message of this tenant wants attention, None when none waits."""
    at = case((Message.state == "queued", Message.due_at), else_=Message.claimed_until)
    found: datetime | None = db.session.scalar(select(func.min(at)).where(Message.state.in_(OPEN)))
    return found


# -- claiming ------------------------------------------------------------------------------------


def _claim(*, now: datetime, until: datetime, urgent: bool, limit: int) -> Sequence[Message]:
    asked_for = Message.purpose.in_(sorted(rules.ASKED_FOR))
    wanted = select(Message).where(
        or_(
            and_(Message.state == "queued", Message.due_at <= now),
            and_(Message.state.in_(("sending", "handed")), Message.claimed_until < now),
        )
    )
    if urgent:
        wanted = wanted.where(asked_for)
    wanted = wanted.order_by(asked_for.desc(), Message.due_at).limit(limit).with_for_update(skip_locked=True)
    claimed = db.session.scalars(wanted).all()
    for message in claimed:
        message.claimed_until = until
        if message.state == "handed":
            _in_doubt(message, now)
        else:
            message.state = "sending"
    return claimed


def _in_doubt(message: Message, now: datetime) -> None:
    """Handed over, and nobody knows what came of it: once more with the same Message-ID, then never again."""
    if message.repeated_at is not None:
        message.state, message.error = "failed", "no answer, twice"
        return
    message.repeated_at, message.state = now, "sending"


# -- handing over --------------------------------------------------------------------------------


def _deliver_all(channel: str, parcels: Sequence[Parcel], until: datetime) -> bool:
    """Deliver over one connection. Returns whether the gateway was out of reach; the rest waits then."""
    with gateway(channel) as way:
        for at, parcel in enumerate(parcels):
            try:
                way.ready()
            except Temporary as error:
                for left in parcels[at:]:
                    _put_back(left.id, until, str(error))
                db.session.commit()
                return True
            if _hand_over(parcel.id, until):
                _record(parcel, _fate(way, parcel))
        db.session.commit()
    return False


def _hand_over(message_id: UUID, until: datetime) -> bool:
    """Mark and commit before a word is said; False when the claim ran out and somebody else has it.

    The same commit carries the fate of the message before, so that each costs one.
    """
    mine = (Message.id == message_id, Message.state == "sending", Message.claimed_until == until)
    marked = {"state": "handed", "handed_at": func.now(), "attempts": Message.attempts + 1}
    # A claim of its own: a slow conversation must not be taken for a dead one.
    marked["claimed_until"] = func.now() + CLAIM
    statement = update(Message).where(*mine).values(marked).execution_options(synchronize_session=False)
    done = db.session.execute(statement)
    db.session.commit()
    return bool(done.rowcount)  # type: ignore[attr-defined]  # a cursor result


def _fate(way: Gateway, parcel: Parcel) -> Trouble | None:
    try:
        way.deliver(parcel)
    except Trouble as error:
        return error
    return None


def _record(parcel: Parcel, trouble: Trouble | None) -> None:
    if trouble is None:
        _record_sent(parcel)
        return
    message = queries.message(parcel.id)
    if isinstance(trouble, Permanent):
        give_up(message, str(trouble))
        if trouble.dead:
            feedback.mark_dead(str(message.channel), str(message.recipient), reason=str(trouble))
            message.bounced_at = datetime.now(UTC)
    elif isinstance(trouble, Unclear):
        _unclear(message, str(trouble))
    else:
        _again(message, str(trouble))


def _record_sent(parcel: Parcel) -> None:
    # One statement, without reading the row again: this is what happens to nearly every message.
    sent: dict[str, Any] = {"state": "sent", "sent_at": func.now(), "claimed_until": None, "error": None}
    if parcel.secret:
        sent |= NOTHING_LEFT
    db.session.execute(update(Message).where(Message.id == parcel.id).values(sent))


def _unclear(message: Message, said: str) -> None:
    now = datetime.now(UTC)
    if message.repeated_at is not None:
        give_up(message, said)
        return
    message.repeated_at = now
    _again(message, said)


def _again(message: Message, said: str) -> None:
    now = datetime.now(UTC)
    at = rules.next_try(attempts=message.attempts, purpose=message.purpose, created_at=message.created_at, now=now)
    if at is None:
        give_up(message, said)
        return
    message.state, message.due_at, message.claimed_until, message.error = "queued", at, None, said


def _put_back(message_id: UUID, until: datetime, said: str) -> None:
    mine = (Message.id == message_id, Message.state == "sending", Message.claimed_until == until)
    message = db.session.scalar(select(Message).where(*mine))
    if message is not None:
        message.attempts += 1
        _again(message, said)
