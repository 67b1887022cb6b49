"""Members and partner users: kinds of people whom other packages keep but who sign in here.

A package that keeps people calls `register()` once; sign-in asks it who has an id. The addresses
(mail and phone) are delivery's, so both faces find a person by address in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from tenants.delivery.queries import people_at


@dataclass(frozen=True)
class Subject:
    """A person who may sign in now. `partner_id` is the partner of a partner user."""

    id: UUID
    name: str
    locale: str | None = None
    partner_id: UUID | None = None


Get = Callable[[UUID], Subject | None]
Find = Callable[[str, str], Sequence[UUID]]


@dataclass(frozen=True)
class Kind:
    """How people of one kind are got by id and found by ("email" | "sms", address as kept)."""

    get: Get
    find: Find


_kinds: dict[str, Kind] = {}


def register(kind: str, get: Get, *, find: Find | None = None) -> None:
    """Say how people of this kind ("member", "partner") are got by id; None for one who may not sign in.

    `find` gives the ids that have an address; by default those of delivery's current addresses.
    """
    _kinds[kind] = Kind(get, find or partial(_by_address, kind))


def _by_address(kind: str, channel: str, value: str) -> Sequence[UUID]:
    return people_at(channel, value, person_kind=kind)


def get_subject(kind: str, subject_id: UUID) -> Subject | None:
    """The person of this kind with this id, None when there is none or they may not sign in."""
    known = _kinds.get(kind)
    return known.get(subject_id) if known else None


def find_subject(kind: str, channel: str, value: str) -> Subject | None:
    """The first person of this kind with this address who may sign in."""
    known = _kinds.get(kind)
    found = known.find(channel, value) if known else ()
    return next(filter(None, (get_subject(kind, ident) for ident in found)), None)
