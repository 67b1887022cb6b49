"""What can happen to partners, past tense. Ids and figures only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from tenants.events import Fact


@dataclass(frozen=True)
class PartnerAdded(Fact):
    """A partner was taken on."""

    kind: ClassVar[str] = "partner.added"
    partner_id: UUID


@dataclass(frozen=True)
class PartnerChanged(Fact):
    """A partner's data or status was changed."""

    kind: ClassVar[str] = "partner.changed"
    partner_id: UUID
    status: str


@dataclass(frozen=True)
class PartnerUserInvited(Fact):
    """A person of a partner may sign in from now on, and is to be told so."""

    kind: ClassVar[str] = "partner.user_invited"
    partner_id: UUID
    user_id: UUID


@dataclass(frozen=True)
class PartnerUserEnded(Fact):
    """A person of a partner may no longer sign in."""

    kind: ClassVar[str] = "partner.user_ended"
    partner_id: UUID
    user_id: UUID


@dataclass(frozen=True)
class PartnerNoticePublished(Fact):
    """Partners were told something; without `partner_id`, all of them."""

    kind: ClassVar[str] = "partner.notice_published"
    notice_id: UUID
    partner_id: UUID | None


@dataclass(frozen=True)
class PartnerNoticeWithdrawn(Fact):
    """A notice is no longer shown."""

    kind: ClassVar[str] = "partner.notice_withdrawn"
    notice_id: UUID
