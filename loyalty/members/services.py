"""Verbs of members: join one, make sure that many exist."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar
from uuid import UUID

from flask_babel import lazy_gettext as _l
from pypinyin import lazy_pinyin
from sqlalchemy import case, select
from sqlalchemy.dialects.postgresql import insert

from config.extensions import db
from loyalty.members.models import Card, Member
from loyalty.points.ledger import open_accounts
from tenants.errors import Conflict
from tenants.events import Fact, record_many
from tenants.ids import new_id
from tenants.scope import current_tenant_id


class NumberTaken(Conflict):
    """Another member has this number."""

    code = "number_taken"
    sentence = _l("Another member has this number.")


@dataclass(frozen=True)
class MemberJoined(Fact):
    """A person became a member. `import_id` when an import brought them."""

    kind: ClassVar[str] = "member.joined"
    member_id: UUID
    import_id: UUID | None = None


@dataclass(frozen=True)
class MemberRow:
    """What a file or a form says of a member; blanks are not known. `joined_at` defaults to now."""

    number: str
    name: str = ""
    birthday: date | None = None
    locale: str | None = None
    zone: str | None = None
    joined_at: datetime | None = None


@dataclass(frozen=True)
class Ensured:
    """All members asked for by number, and the numbers that were created."""

    by_number: dict[str, UUID]
    created: frozenset[str]


def sort_key(name: str) -> str:
    """A name as it sorts and is searched by its beginning: lower case, Chinese in pinyin."""
    folded = " ".join(name.split())
    return folded.lower() if folded.isascii() else " ".join(lazy_pinyin(folded)).lower()


def new_card_number() -> str:
    """Twelve digits nobody can guess, the last one a Luhn check digit against misreading."""
    digits = [secrets.randbelow(9) + 1, *(secrets.randbelow(10) for _ in range(10))]
    doubled = [d if i % 2 else d * 2 - 9 * (d > 4) for i, d in enumerate(digits)]
    return "".join(map(str, digits)) + str(-sum(doubled) % 10)


def new_member_number() -> str:
    """A customer number for a tenant who has none: eight digits, drawn at random."""
    return str(10_000_000 + secrets.randbelow(90_000_000))


def create_member(row: MemberRow | None = None, **given: Any) -> Member:
    """Join one member with a card and a point account; the number is drawn when there is none.

    Takes a MemberRow or its fields. Raises NumberTaken.
    """
    row = row or MemberRow(number=given.pop("number", "") or new_member_number(), **given)
    ensured = ensure_members([row])
    if row.number not in ensured.created:
        raise NumberTaken
    return db.session.get_one(Member, (current_tenant_id(), ensured.by_number[row.number]))


def ensure_members(
    rows: Iterable[MemberRow], *, import_id: UUID | None = None, merge: bool = False, now: datetime | None = None
) -> Ensured:
    """Make sure that members with these numbers exist, each with a card and an account.

    Known ones are left alone; with `merge` what is blank of them is filled in. A member that an
    undone import withdrew comes back. Set-based; give some hundred to some thousand at a time.
    """
    wanted = {row.number: row for row in rows}
    known = numbers(wanted)
    fresh = [row for number, row in wanted.items() if merge or number not in known]
    moment = now or datetime.now(UTC)
    touched = _upsert(sorted(fresh, key=lambda r: r.number), import_id, moment) if fresh else []
    created = {row.number: row.id for row in touched if row.number not in known}
    _furnish(list(created.values()))
    facts = [(MemberJoined(i, import_id), wanted[n].joined_at or moment) for n, i in created.items()]
    record_many(facts)
    return Ensured({**known, **created}, frozenset(created))


def numbers(wanted: Iterable[str]) -> dict[str, UUID]:
    """Ids of the members in good standing who have these numbers."""
    query = select(Member.number, Member.id).where(Member.number.in_(list(wanted)), Member.status != "withdrawn")
    return dict(db.session.execute(query).all())


def _upsert(rows: Sequence[MemberRow], import_id: UUID | None, now: datetime) -> Sequence[Any]:
    values = [
        {
            "id": new_id(),
            "number": row.number,
            "name": row.name,
            "sort_key": sort_key(row.name),
            "birthday": row.birthday,
            "locale": row.locale,
            "zone": row.zone,
            "joined_at": row.joined_at or now,
            "import_id": import_id,
        }
        for row in rows
    ]
    statement = insert(Member)
    new, blank = statement.excluded, Member.name == ""
    back = Member.status == "withdrawn"
    statement = statement.on_conflict_do_update(
        index_elements=["tenant_id", "number"],
        set_={
            "name": case((blank, new.name), else_=Member.name),
            "sort_key": case((blank, new.sort_key), else_=Member.sort_key),
            "birthday": case((Member.birthday.is_(None), new.birthday), else_=Member.birthday),
            "locale": case((Member.locale.is_(None), new.locale), else_=Member.locale),
            "zone": case((Member.zone.is_(None), new.zone), else_=Member.zone),
            "status": case((back, "active"), else_=Member.status),
            "import_id": case((back, new.import_id), else_=Member.import_id),
            "joined_at": case((back, new.joined_at), else_=Member.joined_at),
        },
    )
    # Without render_nulls the ORM cuts the batch wherever the set of unknown values changes.
    options = {"render_nulls": True}
    return db.session.execute(statement.returning(Member.id, Member.number), values, execution_options=options).all()


def _furnish(member_ids: Sequence[UUID]) -> None:
    """A card and an account for each member; who has one keeps it."""
    if not member_ids:
        return
    open_accounts(member_ids)
    cards = [{"member_id": member_id, "number": new_card_number()} for member_id in sorted(member_ids)]
    db.session.execute(insert(Card).on_conflict_do_nothing(), cards)
