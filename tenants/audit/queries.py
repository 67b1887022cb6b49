"""The audit log: events as people read them. Read only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, cast, select, text

from config.extensions import db
from tenants.accounts.models import Account
from tenants.events import Event


def events() -> Select[tuple[Event]]:
    """All events of this tenant."""
    return select(Event)


def event(event_id: UUID) -> Event | None:
    """One event."""
    return db.session.scalar(select(Event).where(Event.id == event_id))


def staff_names(actors: Iterable[str]) -> dict[str, str]:
    """Names of the staff among actors such as "staff:<uuid>"."""
    ids = [UUID(ref.partition(":")[2]) for ref in set(actors) if ref.startswith("staff:")]
    if not ids:
        return {}
    rows = db.session.execute(select(Account.id, Account.name).where(Account.id.in_(ids)))
    return {f"staff:{ident}": name for ident, name in rows}


def groups() -> list[str]:
    """The parts before the dot of the kinds that occurred here, each found by one step in the index."""
    walk = text(
        """
        WITH RECURSIVE steps AS (
          (SELECT kind FROM events WHERE tenant_id = current_setting('app.tenant_id')::uuid ORDER BY kind LIMIT 1)
          UNION ALL
          SELECT (SELECT e.kind FROM events e WHERE e.tenant_id = current_setting('app.tenant_id')::uuid
                  AND e.kind > steps.kind ORDER BY e.kind LIMIT 1)
          FROM steps WHERE steps.kind IS NOT NULL)
        SELECT DISTINCT split_part(kind, '.', 1) FROM steps WHERE kind IS NOT NULL ORDER BY 1
        """
    )
    return [row[0] for row in db.session.execute(walk)]


def narrowed(statement: Select[Any], words: str) -> Select[Any]:
    """Events whose kind begins with the words, or that name this id as actor or in their figures."""
    try:
        ident = str(UUID(words))
    except ValueError:
        return statement.where(Event.kind >= words.lower(), Event.kind < words.lower() + "\U0010ffff")
    return statement.where(Event.actor.endswith(ident) | cast(Event.payload, Text).contains(ident))
