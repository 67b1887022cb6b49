"""What comes back: unsubscriptions, STOP, bounces, complaints; and the list that follows from them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.dialects.postgresql import insert

from config.extensions import db
from tenants.delivery import contacts, queries, rules
from tenants.delivery.bounces import Bounce
from tenants.delivery.contacts import ConsentRow
from tenants.delivery.facts import MessageBounced, SuppressionAdded, SuppressionRemoved
from tenants.delivery.models import Address, Message, Suppression
from tenants.delivery.phones import channel_of, key, normal, normalised
from tenants.errors import NotFound
from tenants.events import current_actor_ref, record
from tenants.info import tenant_info


def suppress(*, channel: str, value: str, reason: str) -> Suppression:
    """Never write to this address again, whoever it belongs to. Known ones keep their first reason.

    A stricter reason replaces a weaker one (unsubscribed or complaint). `value` as kept.
    """
    weaker = Suppression.reason.in_(tuple(rules.CONTACT_ONLY))
    row = {"channel": channel, "value": key(value), "reason": reason, "actor": current_actor_ref()}
    statement = insert(Suppression).values(row)
    statement = statement.on_conflict_do_update(
        index_elements=["tenant_id", "channel", "value"],
        set_={"reason": reason, "at": func.now(), "actor": row["actor"]},
        where=weaker & (Suppression.reason != reason),
    )
    written = db.session.execute(statement.returning(Suppression.id)).scalar_one_or_none()
    same = (Suppression.channel == channel, Suppression.value == key(value))
    found = db.session.scalars(select(Suppression).where(*same)).one()
    if written:
        record(SuppressionAdded(found.id, channel, found.reason))
    return found


def suppress_by_hand(*, address: str) -> Suppression:
    """Put an address somebody typed on the list. Raises Malformed with the field `address`."""
    channel = channel_of(address)
    value = normalised(channel, address, country=tenant_info().country, field="address")
    return suppress(channel=channel, value=value, reason="manual")


def unsuppress(suppression_id: UUID) -> None:
    """Take an address off the list; its consents stay as they are. Raises NotFound."""
    found = db.session.scalar(select(Suppression).where(Suppression.id == suppression_id))
    if found is None:
        raise NotFound
    if found.reason == "hard_bounce":
        _clear_bounces(found.channel, found.value)
    record(SuppressionRemoved(found.id, found.channel, found.reason))
    db.session.delete(found)


def _clear_bounces(channel: str, value: str) -> None:
    cleared = {"bounced_at": None, "bounce_reason": None}
    db.session.execute(update(Address).where(_same(channel, value)).values(cleared))


def _same(channel: str, value: str) -> ColumnElement[bool]:
    return and_(Address.channel == channel, func.lower(Address.value) == key(value))


def unsubscribe(message_id: UUID) -> Message:
    """Stop programme and marketing messages to the address this one went to. Repeating it changes nothing.

    The consents of everybody who shares the address are withdrawn. Raises NotFound.
    """
    message = queries.message(message_id)
    if message.channel is None or message.recipient is None:
        raise NotFound
    _withdraw(message.channel, message.recipient, source="unsubscribe")
    suppress(channel=message.channel, value=message.recipient, reason="unsubscribed")
    return message


def choose_purposes(message_id: UUID, *, purposes: frozenset[str]) -> Message:
    """What the reader of this message wants from now on: a choice per purpose. Raises NotFound."""
    message = queries.message(message_id)
    if message.address_id is None:
        raise NotFound
    for purpose in rules.CONTACT:
        contacts.set_consent(
            address_id=message.address_id, purpose=purpose, granted=purpose in purposes, source="preferences"
        )
    return message


def _withdraw(channel: str, value: str, *, source: str) -> None:
    wanted = select(Address.id).where(_same(channel, value), Address.retired_at.is_(None))
    ids = db.session.scalars(wanted).all()
    rows = [ConsentRow(ident, purpose, granted=False) for ident in ids for purpose in rules.CONTACT]
    contacts.set_consents_many(rows, source=source)


def text_reply(*, sender: str, text: str) -> str | None:
    """A text came back. STOP ends every text to that number, START lifts it. Returns "stop", "start" or None."""
    value = normal("sms", sender, country=tenant_info().country)
    meant = rules.reply_means(text)
    if value is None or meant is None:
        return None
    if meant == "stop":
        _withdraw("sms", value, source="stop")
        suppress(channel="sms", value=value, reason="stop")
    else:
        contacts.lift("sms", [value], reasons=("stop",))
    return meant


def bounced(message_id: UUID, *, hard: bool, reason: str) -> bool:
    """The receiving side gave this message back. A hard one means: this address does not exist.

    Returns whether the message was known; a bounce for a stranger's message is no error.
    """
    message = db.session.scalar(select(Message).where(Message.id == message_id))
    if message is None or message.channel is None or message.recipient is None:
        return False
    message.state, message.bounced_at, message.error = "failed", datetime.now(UTC), reason[:500]
    if hard:
        mark_dead(message.channel, message.recipient, reason=reason)
    record(MessageBounced(message.id, message.channel, hard))
    return True


def mark_dead(channel: str, value: str, *, reason: str) -> None:
    """An address that does not exist is not written to again, until its owner proves it or staff lift it."""
    dead = {"bounced_at": datetime.now(UTC), "bounce_reason": reason[:500]}
    db.session.execute(update(Address).where(_same(channel, value)).values(dead))
    suppress(channel=channel, value=value, reason="hard_bounce")


def complained(message_id: UUID) -> bool:
    """The reader called this message spam: programme and marketing end. Returns whether it was known."""
    message = db.session.scalar(select(Message).where(Message.id == message_id))
    if message is None or message.channel is None or message.recipient is None:
        return False
    _withdraw(message.channel, message.recipient, source="complaint")
    suppress(channel=message.channel, value=message.recipient, reason="complaint")
    return True


def reported(message_id: UUID, *, state: str, reason: str) -> bool:
    """A gateway's word on a message. Returns whether it was known."""
    if state == "delivered":
        return db.session.scalar(select(Message.id).where(Message.id == message_id)) is not None
    if state == "complaint":
        return complained(message_id)
    return bounced(message_id, hard=state in ("bounced", "unknown_number"), reason=reason or state)


def given_back(bounce: Bounce) -> bool:
    """A delivery report by mail. A note that the other side still tries changes nothing. Returns whether known."""
    if bounce.complaint:
        return complained(bounce.message_id)
    if not bounce.final:
        return False
    return bounced(bounce.message_id, hard=bounce.hard, reason=bounce.reason)
