"""What happened to API keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from tenants.events import Fact


@dataclass(frozen=True)
class KeyCreated(Fact):
    """A key was made."""

    kind: ClassVar[str] = "key.created"
    key_id: UUID
    prefix: str
    scopes: list[str]


@dataclass(frozen=True)
class KeyRevoked(Fact):
    """A key was revoked; programs that still send it are refused within seconds."""

    kind: ClassVar[str] = "key.revoked"
    key_id: UUID
    prefix: str
