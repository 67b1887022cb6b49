"""What delivery records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from tenants.events import Fact


@dataclass(frozen=True)
class AddressChanged(Fact):
    """A person's address of one channel was set, replaced or taken away (`address_id` None)."""

    kind: ClassVar[str] = "address.changed"
    person_kind: str
    person_id: UUID
    channel: str
    address_id: UUID | None


@dataclass(frozen=True)
class AddressesImported(Fact):
    """Many people's addresses were set at once."""

    kind: ClassVar[str] = "addresses.imported"
    count: int


@dataclass(frozen=True)
class ConsentChanged(Fact):
    """A person agreed to be written to for a purpose at one address, or took it back."""

    kind: ClassVar[str] = "consent.changed"
    person_kind: str
    person_id: UUID
    address_id: UUID
    purpose: str
    granted: bool
    source: str


@dataclass(frozen=True)
class ConsentsImported(Fact):
    """Many decisions were taken over from a file."""

    kind: ClassVar[str] = "consents.imported"
    granted: int
    withdrawn: int
    source: str


@dataclass(frozen=True)
class SuppressionAdded(Fact):
    """An address must not be written to any more."""

    kind: ClassVar[str] = "suppression.added"
    suppression_id: UUID
    channel: str
    reason: str


@dataclass(frozen=True)
class SuppressionRemoved(Fact):
    """An address may be written to again."""

    kind: ClassVar[str] = "suppression.removed"
    suppression_id: UUID
    channel: str
    reason: str


@dataclass(frozen=True)
class MessageBounced(Fact):
    """The receiving side said that a message could not be delivered."""

    kind: ClassVar[str] = "message.bounced"
    message_id: UUID
    channel: str
    hard: bool


@dataclass(frozen=True)
class MessageRetried(Fact):
    """Somebody put a failed message back into the queue."""

    kind: ClassVar[str] = "message.retried"
    message_id: UUID


@dataclass(frozen=True)
class MessagesQueued(Fact):
    """Messages wait to be sent. The sender job starts from this; `urgent` when somebody is waiting for one."""

    kind: ClassVar[str] = "messages.queued"
    count: int
    urgent: bool
