"""Welcome and tier-up: one message each to every member who may get one, set by set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from loyalty.messages import queries
from loyalty.messages.queries import Recipient
from loyalty.points.queries import terms
from loyalty.tiers.models import TierLevel
from loyalty.tiers.queries import ladder
from tenants.delivery.queries import told_lately
from tenants.delivery.rules import is_too_old
from tenants.delivery.services import Outgoing, send_many
from tenants.events import Event
from tenants.info import tenant_info

# The same tier is not told twice within so many days, when facts that came late move its date a little.
TOLD_LATELY_DAYS = 30


def welcome(events: Sequence[Event]) -> int:
    """Greet members who joined. Returns how many messages wait; every other one has its reason."""
    people = queries.recipients({_member(event) for event in events})
    ladder_words = _next_tier()
    return send_many(
        [_welcome(event, people.get(_member(event)), ladder_words) for event in events],
        template="welcome",
        purpose="programme",
    )


def _welcome(event: Event, member: Recipient | None, ladder_words: Mapping[str, Any]) -> Outgoing:
    context = {"name": member.name, "number": member.number, "points": member.points} if member else {}
    return Outgoing(
        person_id=_member(event),
        context={**context, **ladder_words} if member else {},
        dedupe_key=f"welcome:{_member(event)}",
        occurred_at=event.occurred_at,
        locale=member.locale if member else None,
        event_id=event.id,
        refused=None if member else "cancelled",
    )


def _next_tier() -> dict[str, Any]:
    """The first rung above the ground and what it takes, for the welcome."""
    levels, known = ladder(), terms()
    first = next((level for level in levels if level.rank == 1), None)
    if first is None or known is None:
        return {}
    return {
        "next_tier": first.name,
        "next_from_minor": first.from_minor,
        "window_months": known.policy.window_months,
    }


def tier_up(events: Sequence[Event]) -> int:
    """Tell members who moved up, each their latest tier once. Returns how many messages wait.

    Moves down are not told in this release. A move that a newer one overtook is held back as such.
    """
    ups = [event for event in events if event.payload.get("direction") == "up"]
    to_tell = _to_tell(ups)
    people, proof = queries.recipients({_member(event) for event in ups}), queries.evidence(to_tell)
    levels = {level.rank: level for level in ladder()}
    since = datetime.now(UTC) - timedelta(days=TOLD_LATELY_DAYS)
    told = {(person, context.get("rank")) for person, context in told_lately("tier_up", to_tell, since=since)}
    known = terms()
    months = known.policy.window_months if known else 0
    outgoing = []
    for event in ups:
        member_id, rank = _member(event), int(event.payload["to_rank"])
        if _is_fresh(event):
            if (member_id, rank) in told:
                continue
            told.add((member_id, rank))
        context = _tier_words(event, people.get(member_id), levels.get(rank), proof.get((member_id, rank), {}), months)
        outgoing.append(_tier_up(event, people.get(member_id), context))
    return send_many(outgoing, template="tier_up", purpose="programme")


def _tier_up(event: Event, member: Recipient | None, context: dict[str, Any]) -> Outgoing:
    rank = int(event.payload["to_rank"])
    refused = None
    if member is None or not context:
        refused = "cancelled"
    elif member.rank != rank:
        refused = "overtaken"
    return Outgoing(
        person_id=_member(event),
        context=context,
        dedupe_key=f"tier_up:{_member(event)}:{rank}:{event.payload['on_day']}",
        occurred_at=event.occurred_at,
        locale=member.locale if member else None,
        event_id=event.id,
        refused=refused,
    )


def _tier_words(
    event: Event, member: Recipient | None, level: TierLevel | None, proof: Mapping[str, Any], months: int
) -> dict[str, Any]:
    if member is None or level is None:
        return {}
    return {
        "name": member.name,
        "rank": level.rank,
        "tier": level.name,
        "since_on": event.payload["on_day"],
        "review_on": member.review_on.isoformat() if member.review_on else "",
        "spend_minor": proof.get("spend_minor", 0),
        "from_minor": level.from_minor,
        "window_months": months,
        "points": member.points,
    }


def _member(event: Event) -> UUID:
    return UUID(event.payload["member_id"])


def _is_fresh(event: Event) -> bool:
    days = int(tenant_info().setting("message_max_age_days"))
    return not is_too_old(event.occurred_at, now=datetime.now(UTC), max_age_days=days, purpose="programme")


def _to_tell(events: Sequence[Event]) -> set[UUID]:
    """Members whose news are fresh enough to tell."""
    return {_member(event) for event in events if _is_fresh(event)}
