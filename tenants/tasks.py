"""Work that is owed: one row per job, written in the transaction that asks for it.

The row is the truth and the queue only a wake-up: a job claims its row, does its work and marks the
row done in one transaction, so that a lost, repeated or killed job still has one effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Index, Text, UniqueConstraint, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, mapped_column

from config.extensions import Base, db
from tenants.events import current_actor_ref
from tenants.ids import new_id
from tenants.scope import TenantScoped

OPEN = "done_at IS NULL AND parked_at IS NULL"


class Task(TenantScoped, Base):
    """One job of one tenant. `key` names work that is done once, such as a day's tier run.

    `due_at` is when the relay hands it over (again); `parked_at` when it was given up, with `error`.
    """

    __tablename__ = "tasks"

    job: Mapped[str] = mapped_column(Text)
    args: Mapped[list[Any]] = mapped_column(JSONB, default=list, server_default=text("'[]'"))
    key: Mapped[str | None] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text, default="system", server_default=text("'system'"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    parked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    attempts: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("tenant_id", "key", name="uq_tasks_tenant_id_key"),
        Index("ix_tasks_open", "tenant_id", "due_at", postgresql_where=text(OPEN)),
        Index("ix_tasks_parked", "tenant_id", "parked_at", postgresql_where=text("parked_at IS NOT NULL")),
    )


@dataclass(frozen=True, slots=True)
class Claim:
    """A task this transaction holds: nobody else runs it until we commit or die."""

    id: UUID
    job: str
    args: Sequence[Any]
    actor: str


def owe(job: str, args: Sequence[Any], *, key: str | None, due_at: datetime, attempts: int) -> UUID | None:
    """Write one task into the current transaction; None when work with this `key` is already known."""
    task_id = new_id()
    row = {"id": task_id, "job": job, "args": list(args), "key": key, "due_at": due_at, "attempts": attempts}
    statement = insert(Task).values(actor=current_actor_ref(), **row)
    if key is not None:
        statement = statement.on_conflict_do_nothing(index_elements=["tenant_id", "key"])
    written = db.session.execute(statement.returning(Task.id)).scalar_one_or_none()
    return task_id if written else None


def claim(task_id: UUID) -> Claim | None:
    """Lock an open task for this transaction; None when it is done, parked or running elsewhere."""
    query = (
        select(Task.id, Task.job, Task.args, Task.actor)
        .where(Task.id == task_id, Task.done_at.is_(None), Task.parked_at.is_(None))
        .with_for_update(skip_locked=True)
    )
    row = db.session.execute(query).one_or_none()
    return Claim(*row) if row else None


def finish(task_id: UUID) -> None:
    """Mark a task done, in the transaction of its effects."""
    db.session.execute(update(Task).where(Task.id == task_id).values(done_at=func.now(), error=None))


def fail(task_id: UUID, *, error: str, delays: Sequence[float]) -> bool:
    """Note a failure: due again after `delays[attempt - 1]` seconds, parked when they are used up.

    Returns whether the task is now parked.
    """
    attempts = db.session.scalar(select(Task.attempts).where(Task.id == task_id)) or 1
    now = datetime.now(UTC)
    values: dict[str, Any] = {"error": error[-2000:]}
    parked = attempts > len(delays)
    if parked:
        values["parked_at"] = now
    else:
        values["due_at"] = now + timedelta(seconds=delays[attempts - 1])
    db.session.execute(update(Task).where(Task.id == task_id, Task.done_at.is_(None)).values(values))
    return parked


def unpark(task_id: UUID) -> bool:
    """Give a parked task new attempts, due now. Returns whether there was such a task."""
    fresh = {"parked_at": None, "attempts": 0, "due_at": func.now()}
    statement = update(Task).where(Task.id == task_id, Task.parked_at.is_not(None)).values(fresh)
    return bool(db.session.execute(statement).rowcount)  # type: ignore[attr-defined]  # a cursor result
