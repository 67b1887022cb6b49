"""Verbs at the desk: add a member with addresses and consents, change one, replace a card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar, TypedDict, Unpack
from uuid import UUID

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from config.extensions import db
from loyalty.members import queries
from loyalty.members.models import Card, Member
from loyalty.members.services import create_member, new_card_number, sort_key
from tenants.delivery import contacts
from tenants.delivery import queries as delivery
from tenants.delivery.phones import normalised
from tenants.errors import Conflict, Malformed
from tenants.events import Fact, record
from tenants.info import tenant_info

CHANNELS = {"email": "email", "phone": "sms"}


@dataclass(frozen=True)
class MemberChanged(Fact):
    """What is known of a member was changed: `fields` names what, never the values."""

    kind: ClassVar[str] = "member.changed"
    member_id: UUID
    fields: tuple[str, ...]


@dataclass(frozen=True)
class CardReplaced(Fact):
    """A member got a new card; the old one opens nothing any more."""

    kind: ClassVar[str] = "card.replaced"
    member_id: UUID
    card_id: UUID


class Details(TypedDict, total=False):
    """What people say of a member."""

    number: str
    name: str
    birthday: date | None
    locale: str | None


class Reach(TypedDict, total=False):
    """Where a member can be reached and what they agreed to. Empty text takes an address away."""

    email: str
    phone: str
    programme: bool
    marketing: bool


class CannotReplace(Conflict):
    """Only a member in good standing gets a card."""

    code = "no_active_member"
    sentence = _l("Only an active member can have a new card.")


def same_addresses(reach: Mapping[str, Any], *, but: UUID | None = None) -> dict[str, list[Member]]:
    """Other members who have one of these addresses, by form field. Raises Malformed on an unreadable one."""
    found: dict[str, list[Member]] = {}
    for field, channel in CHANNELS.items():
        if text := str(reach.get(field) or "").strip():
            value = normalised(channel, text, country=tenant_info().country, field=field)
            others = [i for i in delivery.people_at(channel, value, person_kind="member") if i != but]
            if others:
                found[field] = list(db.session.scalars(select(Member).where(Member.id.in_(others)).limit(3)))
    return found


def _refuse_duplicates(reach: Mapping[str, Any], *, but: UUID | None = None) -> None:
    errors: dict[str, list[Any]] = {}
    for field, others in same_addresses(reach, but=but).items():
        one = others[0]
        errors[field] = [
            _l("%(name)s, number %(number)s, has this address already.", name=one.name or "–", number=one.number)
        ]
    if errors:
        raise Malformed(
            errors, _l("This may be somebody you know already. Look them up, or tick the last box to save anyway.")
        )


def add_member(*, anyway: bool = False, **given: Any) -> Member:
    """Join a member: Details and Reach in one. Without `anyway`, refuses an address that another member has.

    Raises Malformed next to the field, also for a number that is taken.
    """
    details, reach = _split(given)
    if not anyway:
        _refuse_duplicates(reach)
    try:
        member = create_member(**details)
    except Conflict as error:
        raise Malformed({"number": [error.sentence]}) from error
    _reach(member.id, reach)
    return member


def change_member(*, member_id: UUID, anyway: bool = False, **given: Any) -> Member:
    """Change what is known of a member. Raises NotFound, Malformed as add_member()."""
    details, reach = _split(given)
    if not anyway:
        _refuse_duplicates(reach, but=member_id)
    member = _write(member_id, **details)
    _reach(member.id, reach)
    return member


def change_own(*, member_id: UUID, **details: Unpack[Details]) -> Member:
    """Change what a member may change themselves: name, birthday, language."""
    return _write(member_id, **details)


def _split(given: Mapping[str, Any]) -> tuple[Details, Reach]:
    details = {k: v for k, v in given.items() if k in Details.__annotations__ and not (k == "number" and not v)}
    return details, {k: v for k, v in given.items() if k in Reach.__annotations__}  # type: ignore[return-value]


def _write(member_id: UUID, **details: Unpack[Details]) -> Member:
    member = queries.member(member_id)
    changed = [name for name, value in details.items() if getattr(member, name) != value]
    for name in changed:
        setattr(member, name, details[name])  # type: ignore[literal-required]
    if "name" in changed:
        member.sort_key = sort_key(member.name)
    try:
        db.session.flush()  # a number that is taken is said next to its field
    except IntegrityError as error:
        db.session.rollback()
        raise Malformed({"number": [_l("Another member has this number.")]}) from error
    if changed:
        record(MemberChanged(member_id, tuple(changed)))
    return member


def _reach(member_id: UUID, reach: Reach) -> None:
    for field, channel in CHANNELS.items():
        if field not in reach:
            continue
        address = contacts.set_address(person_id=member_id, channel=channel, value=str(reach.get(field) or ""))
        for purpose in ("programme", "marketing"):
            if address is not None and purpose in reach:
                contacts.set_consent(
                    address_id=address.id, purpose=purpose, granted=bool(reach.get(purpose)), source="staff"
                )


def replace_card(*, member_id: UUID, reason: str = "lost") -> Card:
    """Give a member a new card; the old one is noted as lost or replaced. Raises NotFound, CannotReplace."""
    member = queries.member(member_id)
    if member.status != "active":
        raise CannotReplace
    old = update(Card).where(Card.member_id == member_id, Card.status == "active")
    db.session.execute(old.values(status="lost" if reason == "lost" else "replaced"))
    card = Card(member_id=member_id, number=new_card_number(), issued_at=datetime.now(UTC))
    db.session.add(card)
    db.session.flush()  # its id goes into the event
    record(CardReplaced(member_id, card.id))
    return card
