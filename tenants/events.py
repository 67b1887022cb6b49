"""Facts: what happened, written in the transaction in which it happened.

An `events` row is the audit line, the outbox and the source of webhooks: ids and figures, no
personal data. The relay hands unpublished events to the handlers named by @handles.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, ForeignKeyConstraint, Index, Text, Uuid, insert, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from config.extensions import Base, db
from tenants.ids import new_id
from tenants.scope import TenantKey


class Event(TenantKey, Base):
    """One fact of one tenant. Partitioned by month of `recorded_at`; never deleted by the app."""

    __tablename__ = "events"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id, server_default=text("new_id()"))
    recorded_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), primary_key=True, server_default=text("now()")
    )
    kind: Mapped[str] = mapped_column(Text)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    actor: Mapped[str] = mapped_column(Text, default="system", server_default=text("'system'"))
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    published_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        Index("ix_events_unpublished", "tenant_id", "id", postgresql_where=text("published_at IS NULL")),
        Index("ix_events_kind", "tenant_id", "kind", "id"),
        {"postgresql_partition_by": "RANGE (recorded_at)"},
    )


class Receipt(TenantKey, Base):
    """What one handler owes or has done for one event: written by the relay, completed by the handler.

    Completing it in the handler's own transaction is what gives every event one effect. `batch` is
    the job it was handed over in, `due_at` when the relay looks again whether that job is alive.
    """

    __tablename__ = "receipts"

    event_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    handler: Mapped[str] = mapped_column(Text, primary_key=True)
    event_recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    batch: Mapped[UUID | None] = mapped_column(Uuid)
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    parked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    attempts: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "event_id", "event_recorded_at"],
            ["events.tenant_id", "events.id", "events.recorded_at"],
        ),
        Index(
            "ix_receipts_open", "tenant_id", "due_at", postgresql_where=text("done_at IS NULL AND parked_at IS NULL")
        ),
        Index("ix_receipts_parked", "tenant_id", "parked_at", postgresql_where=text("parked_at IS NOT NULL")),
    )


@dataclass(frozen=True)
class Fact:
    """Base of what services record. Subclasses name their `kind` and carry ids and figures only."""

    kind: ClassVar[str]

    def payload(self) -> dict[str, Any]:
        """The figures as JSON values: ids and dates as text, decimals as decimal text."""
        return {field.name: _json(getattr(self, field.name)) for field in dataclasses.fields(self)}


def _json(value: Any) -> Any:
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    return value


_actor: ContextVar[str] = ContextVar("actor", default="system")


@contextlib.contextmanager
def acting_as(kind: str, ident: UUID | str | None = None) -> Iterator[None]:
    """Name who acts: ("staff", account id), ("member", id), ("key", id), ("system", None)."""
    token = _actor.set(f"{kind}:{ident}" if ident else kind)
    try:
        yield
    finally:
        _actor.reset(token)


def current_actor_ref() -> str:
    """Who acts, as written into events: "staff:<uuid>", "member:<uuid>", "key:<uuid>", "system"."""
    return _actor.get()


def record(fact: Fact, *, occurred_at: datetime | None = None) -> None:
    """Write one fact into the current transaction. `occurred_at` is aware; the default is now."""
    record_many([(fact, occurred_at)])


def record_many(facts: Sequence[tuple[Fact, datetime | None]]) -> None:
    """Write facts in one statement, in the order given."""
    if not facts:
        return
    now = datetime.now(UTC)
    rows = [
        {"kind": fact.kind, "payload": fact.payload(), "actor": _actor.get(), "occurred_at": occurred_at or now}
        for fact, occurred_at in facts
    ]
    # inline: nothing is read back, so that partner users, who may not read events, can write them.
    db.session.execute(insert(Event).inline(), rows)
    db.session.info["recorded"] = True  # the edge hints the relay after the commit


Handler = Callable[[list[Event]], None]


@dataclass(frozen=True)
class Subscription:
    """A handler, the kinds it wants, and the queue its jobs go to."""

    name: str
    kinds: frozenset[str]
    run: Handler
    queue: str


_subscriptions: dict[str, Subscription] = {}


def handles(*kinds: str, name: str, queue: str = "events") -> Callable[[Handler], Handler]:
    """Subscribe a batch handler. It runs in a job, in scope and transaction, each event at most once.

    `name` is written into receipts, so it must never change.
    """

    def register(function: Handler) -> Handler:
        if name in _subscriptions and _subscriptions[name].run.__qualname__ != function.__qualname__:
            raise RuntimeError(f"two handlers are called {name!r}")
        _subscriptions[name] = Subscription(name, frozenset(kinds), function, queue)
        return function

    return register


def subscriptions() -> dict[str, Subscription]:
    """All handlers by name."""
    return _subscriptions
