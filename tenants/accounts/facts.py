"""What happened around accounts. Ids and figures only: an e-mail address never lands in an event."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

from tenants.events import Fact


@dataclass(frozen=True)
class SignedIn(Fact):
    """Somebody signed in; `kind` of person is part of the actor."""

    kind: ClassVar[str] = "account.signed_in"
    person: str
    subject_id: UUID
    session_id: UUID
    face: str
    how: str = "password"


@dataclass(frozen=True)
class SignedOut(Fact):
    """A session was ended by its person, by an owner, or because the password changed."""

    kind: ClassVar[str] = "account.signed_out"
    person: str
    subject_id: UUID
    sessions: int
    reason: str


@dataclass(frozen=True)
class PasswordChanged(Fact):
    """A password was changed (`how`: own, reset)."""

    kind: ClassVar[str] = "account.password_changed"
    account_id: UUID
    how: str


@dataclass(frozen=True)
class SecondFactorChanged(Fact):
    """Two-step sign-in was turned on or off, or its recovery codes were made anew."""

    kind: ClassVar[str] = "account.second_factor_changed"
    account_id: UUID
    state: str


@dataclass(frozen=True)
class StaffInvited(Fact):
    """An invitation was sent."""

    kind: ClassVar[str] = "staff.invited"
    invitation_id: UUID
    roles: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class InvitationWithdrawn(Fact):
    """An open invitation was taken back."""

    kind: ClassVar[str] = "staff.invitation_withdrawn"
    invitation_id: UUID


@dataclass(frozen=True)
class StaffJoined(Fact):
    """Somebody accepted an invitation or was made staff by an operator."""

    kind: ClassVar[str] = "staff.joined"
    account_id: UUID
    roles: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class RolesChanged(Fact):
    """A staff member's roles changed."""

    kind: ClassVar[str] = "staff.roles_changed"
    account_id: UUID
    before: list[str]
    after: list[str]


@dataclass(frozen=True)
class StaffStatusChanged(Fact):
    """A staff member was suspended, let in again or removed."""

    kind: ClassVar[str] = "staff.status_changed"
    account_id: UUID
    status: str
