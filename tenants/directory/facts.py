"""What happened to a tenant itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from tenants.events import Fact


@dataclass(frozen=True)
class TenantOpened(Fact):
    """A tenant was made; packages prepare what it needs."""

    kind: ClassVar[str] = "tenant.opened"
    slug: str
    country: str


@dataclass(frozen=True)
class BrandingChanged(Fact):
    """Colours, card or logo changed."""

    kind: ClassVar[str] = "tenant.branding_changed"
    changed: dict[str, Any]


@dataclass(frozen=True)
class SettingsChanged(Fact):
    """Name, locale, zone or other settings changed; old and new values."""

    kind: ClassVar[str] = "tenant.settings_changed"
    changed: dict[str, Any]


@dataclass(frozen=True)
class HostAdded(Fact):
    """The tenant answers at one more host name."""

    kind: ClassVar[str] = "tenant.host_added"
    host: str


@dataclass(frozen=True)
class HostRemoved(Fact):
    """The tenant no longer answers at a host name."""

    kind: ClassVar[str] = "tenant.host_removed"
    host: str
