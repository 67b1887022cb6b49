"""The verb of delivery: send. Decides by address, consent and age, and writes one row either way.

Nothing leaves the machine here. The rows are sent by the jobs that the recorded fact starts, after
the commit. Addresses and consent are changed in contacts.py, bounces and STOP come in by feedback.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from config.extensions import db
from tenants.delivery import queries, rules
from tenants.delivery.contacts import (
    AddressRow,
    ConsentRow,
    set_address,
    set_addresses_many,
    set_consent,
    set_consents_many,
    verified,
)
from tenants.delivery.facts import MessageRetried, MessagesQueued
from tenants.delivery.gateways import closed_channels, mail_domain
from tenants.delivery.models import Message
from tenants.delivery.phones import normalised
from tenants.errors import Conflict, Malformed
from tenants.events import record
from tenants.ids import new_id
from tenants.info import tenant_info
from tenants.scope import current_tenant_id

__all__ = [
    "AddressRow",
    "ConsentRow",
    "Outgoing",
    "cancel",
    "retry",
    "send",
    "send_mail_to",
    "send_many",
    "send_to",
    "set_address",
    "set_addresses_many",
    "set_consent",
    "set_consents_many",
    "verified",
]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to one person. `context` holds JSON values; names ending in _on or _at are days and instants.

    `dedupe_key` makes it at most one per tenant for ever. `occurred_at` is when that happened which
    the message tells of. `locale` is the person's language, the tenant's when empty.
    """

    person_id: UUID
    context: Mapping[str, Any] = field(default_factory=dict)
    dedupe_key: str | None = None
    occurred_at: datetime | None = None
    locale: str | None = None
    event_id: UUID | None = None
    refused: str | None = None


def send_many(
    outgoing: Sequence[Outgoing],
    *,
    template: str,
    purpose: str,
    person_kind: str = "member",
    channels: Sequence[str] = ("email", "sms"),
) -> int:
    """Queue one message per person, or note why not, in a handful of statements. Returns how many wait.

    Each goes to the first of `channels` at which the person may be reached for `purpose`. A known
    `dedupe_key` changes nothing.
    """
    if purpose not in rules.ASKED_FOR and purpose not in rules.CONTACT:
        raise ValueError(f"{purpose} is no purpose of a message")
    choices = _choices(outgoing, purpose=purpose, channels=channels)
    rows = [
        _row(item, choice, template=template, purpose=purpose, person_kind=person_kind)
        for item, choice in zip(outgoing, choices, strict=True)
    ]
    return _insert(rows)


def _choices(outgoing: Sequence[Outgoing], *, purpose: str, channels: Sequence[str]) -> list[rules.Choice]:
    """One decision per message; people who are not written to because of age are not even looked up."""
    now, max_age = datetime.now(UTC), int(tenant_info().setting("message_max_age_days"))
    age = {"now": now, "max_age_days": max_age, "purpose": purpose}
    old = [rules.is_too_old(item.occurred_at or now, **age) for item in outgoing]  # type: ignore[arg-type]
    held = ["too_old" if is_old else item.refused for item, is_old in zip(outgoing, old, strict=True)]
    fresh = {item.person_id for item, reason in zip(outgoing, held, strict=True) if not reason}
    known = queries.addresses_of_many(fresh) if fresh else {}
    targets = {person: [queries.as_target(address) for address in known.get(person, ())] for person in fresh}
    suppressed = queries.suppressed(target for found in targets.values() for target in found)
    choose = {"purpose": purpose, "channels": channels, "suppressed": suppressed, "closed": closed_channels()}
    return [
        rules.Choice(None, reason) if reason else rules.choose(targets[item.person_id], **choose)  # type: ignore[arg-type]
        for item, reason in zip(outgoing, held, strict=True)
    ]


def _row(
    item: Outgoing, choice: rules.Choice, *, template: str, purpose: str, person_kind: str | None
) -> dict[str, Any]:
    now, ident, target = datetime.now(UTC), new_id(), choice.target
    return {
        "id": ident,
        "person_kind": person_kind,
        "person_id": item.person_id,
        "address_id": target.address_id if target else None,
        "channel": target.channel if target else None,
        "recipient": target.value if target else None,
        "template": template,
        "purpose": purpose,
        "locale": item.locale or tenant_info().locale,
        # A code that is not sent is not kept either.
        "context": {} if choice.reason and purpose in rules.ASKED_FOR else dict(item.context),
        "state": "not_sent" if choice.reason else "queued",
        "reason": choice.reason,
        "dedupe_key": item.dedupe_key,
        "event_id": item.event_id,
        "message_id": fixed_message_id(ident) if target and target.channel == "email" else None,
        "occurred_at": item.occurred_at or now,
        "created_at": now,
        "due_at": now,
    }


def fixed_message_id(ident: UUID) -> str:
    """The Message-ID of a mail, the same at each attempt; a bounce that quotes it finds its way back."""
    return f"<{ident.hex}.{current_tenant_id().hex}@{mail_domain()}>"


def _insert(rows: list[dict[str, Any]]) -> int:
    if not rows:
        return 0
    statement = insert(Message).on_conflict_do_nothing(index_elements=["tenant_id", "dedupe_key"])
    written = db.session.execute(statement.returning(Message.state, Message.purpose), rows).all()
    waiting = [purpose for state, purpose in written if state == "queued"]
    if waiting:
        record(MessagesQueued(count=len(waiting), urgent=bool(rules.ASKED_FOR.intersection(waiting))))
    return len(waiting)


def send(  # noqa: PLR0913  # each is one plain fact of a message; a parameter object would hide them
    *,
    person_id: UUID,
    template: str,
    purpose: str,
    context: Mapping[str, Any] | None = None,
    person_kind: str = "member",
    dedupe_key: str | None = None,
    occurred_at: datetime | None = None,
    channels: Sequence[str] = ("email", "sms"),
    locale: str | None = None,
    event_id: UUID | None = None,
) -> Message:
    """Queue one message to a person, or note why not; the row says which (`state`, `reason`).

    `purpose`: signin and account (codes, resets, invitations) need no consent, programme and marketing
    do. With a known `dedupe_key` the first message is returned and nothing is sent.
    """
    key = dedupe_key or f"once:{new_id()}"
    item = Outgoing(person_id, context or {}, key, occurred_at, locale, event_id)
    send_many([item], template=template, purpose=purpose, person_kind=person_kind, channels=channels)
    return db.session.scalars(select(Message).where(Message.dedupe_key == key)).one()


def send_to(  # noqa: PLR0913  # as send()
    *,
    channel: str,
    address: str,
    template: str,
    context: Mapping[str, Any] | None = None,
    purpose: str = "account",
    dedupe_key: str | None = None,
    locale: str | None = None,
    person_kind: str | None = None,
    person_id: UUID | None = None,
) -> Message:
    """Queue one message to an address that belongs to nobody's file, such as an invitation's.

    For what was asked for only (signin, account). Raises Malformed when `address` is none.
    """
    if purpose not in rules.ASKED_FOR:
        raise ValueError("programme and marketing messages go to people, by consent")
    value = normalised(channel, address, country=tenant_info().country)
    target = rules.Target(None, channel, value)
    suppressed = queries.suppressed([target])
    choice = rules.choose(
        [target], purpose=purpose, channels=[channel], suppressed=suppressed, closed=closed_channels()
    )
    key = dedupe_key or f"once:{new_id()}"
    item = Outgoing(person_id or new_id(), context or {}, key, None, locale)
    row = _row(item, choice, template=template, purpose=purpose, person_kind=person_kind)
    _insert([{**row, "person_id": person_id}])
    return db.session.scalars(select(Message).where(Message.dedupe_key == key)).one()


def send_mail_to(*, address: str, template: str, context: Mapping[str, Any] | None = None, **more: Any) -> Message:
    """send_to() by e-mail: resets and invitations of staff and partner users."""
    return send_to(channel="email", address=address, template=template, context=context, **more)


def retry(message_id: UUID) -> Message:
    """Put a failed message back into the queue with its Message-ID. Raises NotFound, Conflict("not_failed")."""
    message = queries.message(message_id)
    if message.state != "failed":
        raise Conflict(code="not_failed")
    if message.secret:
        raise Conflict(code="secret_gone")  # its code was wiped; the person asks for a new one
    message.state, message.attempts, message.due_at = "queued", 0, datetime.now(UTC)
    message.error = message.claimed_until = message.repeated_at = None
    record(MessageRetried(message_id))
    record(MessagesQueued(count=1, urgent=False))
    return message


def cancel(*, person_id: UUID, reason: str = "cancelled") -> int:
    """Hold back what still waits for a person (who left, or was erased). Returns how many."""
    if reason not in rules.REASONS:
        raise Malformed({"reason": [reason]})
    held = {"state": "not_sent", "reason": reason, "claimed_until": None}
    waiting = (Message.person_id == person_id, Message.state.in_(("queued", "sending")))
    done = db.session.execute(update(Message).where(*waiting).values(held))
    return int(done.rowcount)  # type: ignore[attr-defined]  # a cursor result
