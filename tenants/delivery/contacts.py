"""Where a person can be reached and what they agreed to: one, or ten thousand at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import delete, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on

from config.extensions import db
from tenants.delivery import queries, rules
from tenants.delivery.facts import AddressChanged, AddressesImported, ConsentChanged, ConsentsImported
from tenants.delivery.models import Address, Consent, Suppression
from tenants.delivery.phones import key, normal, normalised
from tenants.events import current_actor_ref, record
from tenants.ids import new_id
from tenants.info import tenant_info


@dataclass(frozen=True, slots=True)
class AddressRow:
    """An address as it was written down somewhere. An empty `value` takes the person's address away."""

    person_id: UUID
    channel: str
    value: str
    verified: bool = False


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """One decision. `purpose`: programme or marketing."""

    address_id: UUID
    purpose: str
    granted: bool


@dataclass(frozen=True, slots=True)
class AddressesSet:
    """What set_addresses_many() did: current ids by (person, channel), rows it could not read, rows that changed."""

    ids: Mapping[tuple[UUID, str], UUID]
    invalid: Sequence[AddressRow]
    changed: int


def set_addresses_many(rows: Sequence[AddressRow], *, person_kind: str = "member") -> AddressesSet:
    """Set many people's addresses in four statements. Rows that are no address are returned, not raised.

    A replaced address is kept as retired, with its consents; the new one starts without any.
    """
    country = tenant_info().country
    wanted: dict[tuple[UUID, str], tuple[str, bool]] = {}
    invalid = []
    for row in rows:
        value = normal(row.channel, row.value, country=country) if row.value.strip() else ""
        if value is None:
            invalid.append(row)
        else:
            wanted[row.person_id, row.channel] = (value, row.verified)
    changed = _write(wanted, person_kind=person_kind)
    if changed:
        record(AddressesImported(len(changed)))
    current = queries.addresses_of_many({person for person, _channel in wanted})
    ids = {(person, address.channel): address.id for person, found in current.items() for address in found}
    return AddressesSet(ids, invalid, len(changed))


def _write(wanted: Mapping[tuple[UUID, str], tuple[str, bool]], *, person_kind: str) -> set[tuple[UUID, str]]:
    """Retire what differs, add what is new; returns the (person, channel) that changed."""
    known = queries.addresses_of_many({person for person, _channel in wanted})
    old = {(person, address.channel): address for person, found in known.items() for address in found}
    changed = {slot for slot, (value, _v) in wanted.items() if value != (old[slot].value if slot in old else "")}
    retired = [old[slot].id for slot in changed if slot in old]
    now = datetime.now(UTC)
    if retired:
        db.session.execute(update(Address).where(Address.id.in_(retired)).values(retired_at=now))
    fresh = [
        {
            "id": new_id(),
            "person_kind": person_kind,
            "person_id": person,
            "channel": channel,
            "value": wanted[person, channel][0],
            "verified_at": now if wanted[person, channel][1] else None,
        }
        for person, channel in sorted(changed)
        if wanted[person, channel][0]
    ]
    if fresh:
        db.session.execute(insert(Address), fresh)
    return changed


def set_address(
    *, person_id: UUID, channel: str, value: str, person_kind: str = "member", verified: bool = False
) -> Address | None:
    """Set one person's e-mail address or phone number; an empty `value` takes it away (None).

    Raises Malformed with the channel as field. The same address again changes nothing, but a
    verified one is noted as such.
    """
    value = normalised(channel, value, country=tenant_info().country) if value.strip() else ""
    changed = _write({(person_id, channel): (value, verified)}, person_kind=person_kind)
    found = next((a for a in queries.addresses_of(person_id) if a.channel == channel), None)
    if changed:
        record(AddressChanged(person_kind, person_id, channel, found.id if found else None))
    elif found is not None and verified:
        _mark_verified(found)
    return found


def verified(address_id: UUID) -> Address:
    """Note that the person proved to read this address: it works, whatever bounced before. Raises NotFound."""
    address = queries.address(address_id)
    _mark_verified(address)
    return address


def _mark_verified(address: Address) -> None:
    address.verified_at = address.verified_at or datetime.now(UTC)
    address.bounced_at = address.bounce_reason = None
    lift(address.channel, [address.value], reasons=("hard_bounce",))


def lift(channel: str, values: Sequence[str], *, reasons: Sequence[str]) -> None:
    """Take suppressions for these reasons away."""
    same = (Suppression.channel == channel, Suppression.value.in_([key(value) for value in values]))
    db.session.execute(delete(Suppression).where(*same, Suppression.reason.in_(reasons)))


def set_consent(*, address_id: UUID, purpose: str, granted: bool, source: str) -> Address:
    """Note one decision about one address. `source` says where it was given: portal, till, staff, import:…

    Records nothing when it is what was known. Raises NotFound.
    """
    address = queries.address(address_id)
    if _decide([ConsentRow(address_id, purpose, granted)], source=source):
        record(ConsentChanged(address.person_kind, address.person_id, address_id, purpose, granted, source))
        db.session.refresh(address)
    return address


def set_consents_many(rows: Sequence[ConsentRow], *, source: str) -> int:
    """Note many decisions in a handful of statements; returns how many changed something.

    A source that begins with "import" never overrides what a person took back themselves.
    """
    changed = _decide(rows, source=source)
    if changed:
        granted = sum(row.granted for row in changed)
        record(ConsentsImported(granted, len(changed) - granted, source))
    return len(changed)


def _decide(rows: Sequence[ConsentRow], *, source: str) -> list[ConsentRow]:
    imported = source.startswith("import")
    last = _last_decisions({row.address_id for row in rows})
    changed = [row for row in {(r.address_id, r.purpose): r for r in rows}.values() if _is_news(row, last, imported)]
    if not changed:
        return []
    actor, now = current_actor_ref(), datetime.now(UTC)
    values = [
        {
            "address_id": r.address_id,
            "purpose": r.purpose,
            "granted": r.granted,
            "at": now,
            "source": source,
            "actor": actor,
        }
        for r in changed
    ]
    db.session.execute(insert(Consent), values)
    for purpose in rules.CONTACT:
        for granted in (True, False):
            ids = [row.address_id for row in changed if (row.purpose, row.granted) == (purpose, granted)]
            if ids:
                db.session.execute(update(Address).where(Address.id.in_(ids)).values({purpose: granted}))
    if not imported:
        _forget_unsubscription([row.address_id for row in changed if row.granted])
    return changed


def _last_decisions(address_ids: set[UUID]) -> Mapping[tuple[UUID, str], tuple[bool, str]]:
    wanted = (
        select(Consent.address_id, Consent.purpose, Consent.granted, Consent.source)
        .where(Consent.address_id.in_(address_ids))
        .ext(distinct_on(Consent.address_id, Consent.purpose))
        .order_by(Consent.address_id, Consent.purpose, Consent.at.desc(), Consent.id.desc())
    )
    return {(a, p): (granted, source) for a, p, granted, source in db.session.execute(wanted)}


def _is_news(row: ConsentRow, last: Mapping[tuple[UUID, str], tuple[bool, str]], imported: bool) -> bool:
    before = last.get((row.address_id, row.purpose))
    if before is None:
        return row.granted or not imported  # a "no" in a file is what we assume anyway
    granted, source = before
    if imported and not granted and not source.startswith("import"):
        return False
    return granted != row.granted


def _forget_unsubscription(address_ids: Sequence[UUID]) -> None:
    """Who agrees again in person is no longer unsubscribed."""
    if not address_ids:
        return
    wanted = select(Address.channel, Address.value).where(Address.id.in_(address_ids))
    slots = [(channel, key(value)) for channel, value in db.session.execute(wanted)]
    same = tuple_(Suppression.channel, Suppression.value).in_(slots)
    db.session.execute(delete(Suppression).where(same, Suppression.reason == "unsubscribed"))
