"""The kind of import that brings contacts: members with addresses, birthdays and consent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple
from uuid import UUID

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from config.extensions import db
from loyalty.members import import_rules
from loyalty.members.import_fields import FIELDS
from loyalty.members.models import Member
from loyalty.members.services import MemberRow, ensure_members
from tenants.delivery import contacts, queries
from tenants.delivery.models import Address
from tenants.imports.kinds import Context, Finding, Kind, Order, Staged, Taken, register
from tenants.imports.mapping import Mapping
from tenants.imports.readers import RawRow
from tenants.info import tenant_info


class Contact(NamedTuple):
    """A row of a contact file as `import_rules` reads it."""

    line: int
    number: str
    name: str
    birthday: str | None
    locale: str | None
    email: str
    phone: str
    consents: list[bool | None]
    joined: str | None

    def addresses(self) -> list[tuple[str, str, bool | None, bool | None]]:
        """(channel, value, programme, marketing) of the addresses that are given."""
        programme_email, marketing_email, programme_sms, marketing_sms = self.consents
        both = (
            ("email", self.email, programme_email, marketing_email),
            ("sms", self.phone, programme_sms, marketing_sms),
        )
        return [address for address in both if address[1]]


class Known(NamedTuple):
    """What is known of a member already."""

    id: UUID
    name: str
    birthday: date | None
    locale: str | None
    addresses: dict[str, Address]


class ContactImport:
    """Contacts. Who is known keeps name, birthday and language; blanks are filled in, addresses are replaced."""

    key = "contacts"
    label = _l("Contacts")
    hint = _l("Members with name, e-mail, mobile number, birthday and consent.")
    fields = FIELDS
    options: dict[str, Any] = {}  # noqa: RUF012 (constant of the kind)
    can_undo = False
    counts = {  # noqa: RUF012 (constant of the kind)
        "members": _l("Members made"),
        "emails": _l("E-mail addresses set"),
        "phones": _l("Mobile numbers set"),
        "consents": _l("Consents noted"),
    }

    def stage(self, rows: Iterable[RawRow], *, columns: Sequence[str], mapping: Mapping, context: Context) -> Staged:
        """Turn rows into contacts and refusals."""
        return import_rules.stage(rows, columns=columns, mapping=mapping, context=context)

    def preview(self, staged: Staged, order: Order) -> dict[str, Any]:
        """How many are new, known with something new, and known altogether."""
        rows = [Contact(*document.data) for document in staged.documents]
        known = _known([row.number for row in rows])
        same = sum(1 for row in rows if row.number in known and not _news(row, known[row.number]))
        figures = {key: staged.figures[key] for key in ("emails", "phones", "consents")}
        new = sum(1 for row in rows if row.number not in known)
        return {"taken": len(rows) - same, "unchanged": same, "members": new, **figures}

    def take(self, documents: Sequence[list[Any]], order: Order) -> Taken:
        """Make or complete members and set their addresses and consents."""
        rows = [Contact(*data) for data in documents]
        known = _known([row.number for row in rows])
        news = [row for row in rows if row.number not in known or _news(row, known[row.number])]
        taken = Taken(taken=len(news), unchanged=len(rows) - len(news))
        if news:
            ensured = ensure_members(map(_member_row, news), import_id=order.import_id, merge=True)
            taken.counts = {"members": len(ensured.created), **_reach(news, ensured.by_number, order)}
        return taken

    def undo(self, import_id: UUID, *, limit: int) -> int:
        """Contacts are not taken back: what a person agreed to since would be lost with them."""
        return 0

    def findings(self, import_id: UUID, *, limit: int) -> list[Finding]:
        """Nothing to look at."""
        return []


def _member_row(row: Contact) -> MemberRow:
    joined = datetime.combine(date.fromisoformat(row.joined), time(0), tzinfo=tenant_info().tz) if row.joined else None
    return MemberRow(
        number=row.number, name=row.name, locale=row.locale, joined_at=joined.astimezone(UTC) if joined else None,
        birthday=date.fromisoformat(row.birthday) if row.birthday else None,
    )  # fmt: skip


def _known(numbers: Sequence[str]) -> dict[str, Known]:
    """Members in good standing with these numbers, with their present addresses: two queries."""
    columns = (Member.number, Member.id, Member.name, Member.birthday, Member.locale)
    statement = select(*columns).where(Member.number.in_(list(numbers)), Member.status != "withdrawn")
    found = db.session.execute(statement).all()
    addresses = queries.addresses_of_many({row.id for row in found}) if found else {}
    return {
        row.number: Known(
            row.id, row.name, row.birthday, row.locale, {each.channel: each for each in addresses.get(row.id, ())}
        )
        for row in found
    }


def _news(row: Contact, known: Known) -> bool:
    """Whether a row says anything that is not known."""
    if (row.name and not known.name) or (row.birthday and not known.birthday) or (row.locale and not known.locale):
        return True
    for channel, value, programme, marketing in row.addresses():
        address = known.addresses.get(channel)
        if address is None or address.value != value:
            return True
        if (programme is True and not address.programme) or (marketing is True and not address.marketing):
            return True
        if (programme is False and address.programme) or (marketing is False and address.marketing):
            return True
    return False


def _reach(rows: Sequence[Contact], ids: dict[str, UUID], order: Order) -> dict[str, int]:
    """Set addresses, then the consents of those that were set; how many of each."""
    wanted = [
        contacts.AddressRow(ids[row.number], channel, value)
        for row in rows
        for channel, value, _programme, _marketing in row.addresses()
    ]
    if not wanted:
        return {}
    done = contacts.set_addresses_many(wanted)
    consents = [
        contacts.ConsentRow(address_id, purpose, granted)
        for row in rows
        for channel, _value, programme, marketing in row.addresses()
        if (address_id := done.ids.get((ids[row.number], channel)))
        for purpose, granted in (("programme", programme), ("marketing", marketing))
        if granted is not None
    ]
    noted = contacts.set_consents_many(consents, source=f"import:{order.import_id}") if consents else 0
    emails = sum(1 for row in wanted if row.channel == "email")
    return {"emails": emails, "phones": len(wanted) - emails, "consents": noted}


CONTACTS: Kind = register(ContactImport())
