"""Which facts start a message."""

from __future__ import annotations

from loyalty.messages import services, texts
from tenants.events import Event, handles

__all__ = ["on_joined", "on_tier_changed", "texts"]  # texts: known from the start, for their previews


@handles("member.joined", name="loyalty.messages.welcome")
def on_joined(events: list[Event]) -> None:
    """Greet new members."""
    services.welcome(events)


@handles("tier.changed", name="loyalty.messages.tier_up")
def on_tier_changed(events: list[Event]) -> None:
    """Tell members of a higher tier."""
    services.tier_up(events)
