"""Addresses, suppressions and messages, as others read them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, tuple_

from config.extensions import db
from tenants.delivery.models import Address, Consent, Message, Suppression
from tenants.delivery.phones import key
from tenants.delivery.rules import Target
from tenants.errors import NotFound


def addresses_of(person_id: UUID) -> Sequence[Address]:
    """A person's current addresses, e-mail first."""
    return addresses_of_many([person_id])[person_id]


def addresses_of_many(person_ids: Iterable[UUID]) -> Mapping[UUID, list[Address]]:
    """The current addresses of many people in one statement; a person without any has an empty list."""
    found: dict[UUID, list[Address]] = defaultdict(list)
    wanted = select(Address).where(Address.person_id.in_(list(person_ids)), Address.retired_at.is_(None))
    for address in db.session.scalars(wanted.order_by(Address.channel)):
        found[address.person_id].append(address)
    return found


def address(address_id: UUID) -> Address:
    """One address. Raises NotFound."""
    found = db.session.scalar(select(Address).where(Address.id == address_id))
    if found is None:
        raise NotFound
    return found


def addresses_by_id(address_ids: Iterable[UUID]) -> Mapping[UUID, Address]:
    """Addresses by id, also retired ones."""
    wanted = list(address_ids)
    if not wanted:
        return {}
    return {found.id: found for found in db.session.scalars(select(Address).where(Address.id.in_(wanted)))}


def people_at(channel: str, value: str, *, person_kind: str) -> Sequence[UUID]:
    """Whose address this is (compared without case); `value` as kept, see phones.normal()."""
    same = (Address.channel == channel, func.lower(Address.value) == key(value))
    wanted = select(Address.person_id).where(*same, Address.person_kind == person_kind, Address.retired_at.is_(None))
    return db.session.scalars(wanted.order_by(Address.id)).all()


def people_at_many(values: Iterable[tuple[str, str]], *, person_kind: str) -> Mapping[tuple[str, str], list[UUID]]:
    """Whose addresses these (channel, value) are, in one statement; keys are (channel, lower-case value)."""
    pairs = [(channel, key(value)) for channel, value in values]
    found: dict[tuple[str, str], list[UUID]] = defaultdict(list)
    if not pairs:
        return found
    lowered = func.lower(Address.value)
    wanted = select(Address.channel, lowered, Address.person_id).where(
        tuple_(Address.channel, lowered).in_(pairs), Address.person_kind == person_kind, Address.retired_at.is_(None)
    )
    for channel, value, person_id in db.session.execute(wanted.order_by(Address.id)):
        found[channel, value].append(person_id)
    return found


def as_target(address: Address) -> Target:
    """An address as the rules see it."""
    bounced = address.bounced_at is not None
    return Target(address.id, address.channel, address.value, address.programme, address.marketing, bounced)


def suppressed(targets: Iterable[Target]) -> Mapping[tuple[str, str], str]:
    """(channel, lower-case value) → reason, for those of these addresses that are suppressed."""
    values = {key(target.value) for target in targets}
    if not values:
        return {}
    wanted = select(Suppression.channel, Suppression.value, Suppression.reason).where(Suppression.value.in_(values))
    return {(channel, value): reason for channel, value, reason in db.session.execute(wanted)}


def consent_history(address_id: UUID) -> Sequence[Consent]:
    """Every decision on an address, newest first."""
    wanted = select(Consent).where(Consent.address_id == address_id)
    return db.session.scalars(wanted.order_by(Consent.at.desc(), Consent.id.desc())).all()


def message(message_id: UUID) -> Message:
    """One message. Raises NotFound."""
    found = db.session.scalar(select(Message).where(Message.id == message_id))
    if found is None:
        raise NotFound
    return found


def messages() -> Select[Any]:
    """All messages, for the list."""
    return select(Message)


def told_lately(template: str, person_ids: Iterable[UUID], *, since: datetime) -> Sequence[tuple[UUID, dict[str, Any]]]:
    """(person, context) of the messages of a template that went or go to these people since an instant."""
    wanted = select(Message.person_id, Message.context).where(
        Message.person_id.in_(list(person_ids)),
        Message.template == template,
        Message.created_at >= since,
        Message.state != "not_sent",
    )
    return [(person, context) for person, context in db.session.execute(wanted) if person]


def messages_to(person_id: UUID) -> Select[Any]:
    """One person's messages, for the list."""
    return select(Message).where(Message.person_id == person_id)


def messages_of(person_id: UUID, *, limit: int = 50) -> Sequence[Message]:
    """A person's messages, newest first, also those that were not sent."""
    return db.session.scalars(
        select(Message).where(Message.person_id == person_id).order_by(Message.id.desc()).limit(limit)
    ).all()


def last_sent(person_id: UUID) -> Mapping[tuple[str, str], datetime]:
    """When a person was last written to, by (channel, purpose)."""
    wanted = (
        select(Message.channel, Message.purpose, func.max(Message.sent_at))
        .where(Message.person_id == person_id, Message.state == "sent")
        .group_by(Message.channel, Message.purpose)
    )
    return {(str(channel), purpose): at for channel, purpose, at in db.session.execute(wanted) if at}


def held_back(*, since: datetime) -> Mapping[str, int]:
    """How many messages were not sent since an instant, by reason, most first."""
    wanted = (
        select(Message.reason, func.count())
        .where(Message.state == "not_sent", Message.created_at >= since)
        .group_by(Message.reason)
        .order_by(func.count().desc())
    )
    return {str(reason): count for reason, count in db.session.execute(wanted)}


def sent_count(*, since: datetime) -> int:
    """How many messages went out since an instant."""
    wanted = select(func.count()).where(Message.state == "sent", Message.sent_at >= since)
    return db.session.scalar(wanted) or 0


def maybe_twice() -> Select[Any]:
    """Messages handed over a second time, because the first time was not recorded."""
    return select(Message).where(Message.repeated_at.is_not(None))


def maybe_twice_count(*, since: datetime) -> int:
    """How many messages may have been sent twice since an instant."""
    wanted = select(func.count()).select_from(Message).where(Message.repeated_at >= since)
    return db.session.scalar(wanted) or 0


def overdue_count(*, before: datetime) -> int:
    """How many messages should have gone out before an instant and still wait."""
    waiting = Message.state.in_(("queued", "sending", "handed"))
    return db.session.scalar(select(func.count()).select_from(Message).where(waiting, Message.due_at < before)) or 0


def suppressions() -> Select[Any]:
    """All suppressed addresses, for the list."""
    return select(Suppression)
