"""Take one staged chunk, or take back one step of an import: each call is one transaction of its caller."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import delete, select, text, tuple_, update

from config.extensions import db
from tenants.errors import Conflict
from tenants.events import Fact, record
from tenants.imports import queries
from tenants.imports.kinds import Order, Taken, kind_of
from tenants.imports.models import Import, ImportChunk, ImportRow
from tenants.imports.staging import add_refusals, without_gc

UNDO_DOCUMENTS = 500


@dataclass(frozen=True)
class ImportFinished(Fact):
    """A file has been taken to its end; the figures count lines."""

    kind: ClassVar[str] = "import.finished"
    import_id: UUID
    of: str
    lines: int
    taken: int
    unchanged: int
    rejected: int


@dataclass(frozen=True)
class ImportUndone(Fact):
    """An import has been taken back to its last document."""

    kind: ClassVar[str] = "import.undone"
    import_id: UUID
    of: str


def take_chunk(import_id: UUID, no: int) -> Import:
    """Take chunk `no` if it is the next one of a running import; anything else is left as it is.

    The cursor moves in the same transaction, so a repeated or killed job has one effect.
    """
    found = queries.locked(import_id)
    if found.status != "running" or found.next_chunk != no:
        return found
    began = time.monotonic()
    staged = queries.chunk(import_id, no)
    if staged is not None:
        _plan_for_many(no)
        order = Order(found.id, found.source, found.options)
        with without_gc():
            taken = kind_of(found.kind).take(staged.documents, order)
        _count(found, taken)
        found.lines_done += staged.lines
        db.session.execute(delete(ImportChunk).where(ImportChunk.import_id == import_id, ImportChunk.no == no))
    found.next_chunk += 1
    found.beat_at = datetime.now(UTC)
    found.seconds += time.monotonic() - began
    if found.next_chunk >= found.chunks:
        _finish(found)
    return found


def _plan_for_many(no: int) -> None:
    """Thousands of rows a call: a plan made for one row, or before the tables knew this tenant, costs minutes."""
    db.session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL jit = off"))
    if no & (no - 1) == 0:  # before chunk 0, 1, 2, 4, 8, …: each time the tenant has doubled
        db.session.execute(text("SELECT refresh_statistics()"))


def _count(found: Import, taken: Taken) -> None:
    counts: Counter[str] = Counter(found.counts)
    counts.update(taken.counts)
    counts.update(taken=taken.taken, unchanged=taken.unchanged, rejected=len(taken.refusals))
    found.counts = dict(counts)
    add_refusals(found.id, taken.refusals)
    marks = [mark for mark in map(split_mark, taken.mended) if mark]
    if marks:
        key = tuple_(ImportRow.import_id, ImportRow.line)
        db.session.execute(update(ImportRow).where(key.in_(marks)).values(mended_by=found.id))


def split_mark(mark: str) -> tuple[UUID, int] | None:
    """The import and line that a mark in a mended file names; None when somebody wrote something else there."""
    head, _dash, line = mark.partition("-")
    try:
        return UUID(head), int(line)
    except ValueError:
        return None


def mended(marks: list[str]) -> set[str]:
    """Which of these marks name rows that a running or finished import has taken already."""
    wanted = {key: mark for mark in marks if (key := split_mark(mark))}
    if not wanted:
        return set()
    statement = select(ImportRow.import_id, ImportRow.line).where(
        tuple_(ImportRow.import_id, ImportRow.line).in_(list(wanted)), ImportRow.mended_by.is_not(None)
    )
    return {wanted[(import_id, line)] for import_id, line in db.session.execute(statement)}


def _finish(found: Import) -> None:
    found.status, found.finished_at = "done", datetime.now(UTC)
    counts = found.counts
    record(ImportFinished(found.id, found.kind, found.lines, counts["taken"], counts["unchanged"], counts["rejected"]))


def undo_step(import_id: UUID) -> Import:
    """Take back some documents of an import that is being undone; its status says when all are."""
    found = queries.locked(import_id)
    if found.status != "undoing":
        return found
    try:
        with db.session.begin_nested():
            left = kind_of(found.kind).undo(import_id, limit=UNDO_DOCUMENTS)
    except Conflict as error:
        # A business "no", such as points spent since: what was taken stays, and the screen says why.
        found.status, found.problem = "done", error.code
        return found
    found.beat_at = datetime.now(UTC)
    found.counts = {**found.counts, "undo_left": left}
    if left == 0:
        found.status, found.finished_at = "undone", datetime.now(UTC)
        statement = update(ImportRow).where(ImportRow.mended_by == import_id).values(mended_by=None)
        db.session.execute(statement)
        record(ImportUndone(found.id, found.kind))
    return found


def summary(found: Import) -> dict[str, Any]:
    """The result as plain figures: lines = taken + unchanged + rejected for what has been done so far."""
    counts = found.counts
    total = counts.get("taken", 0) + counts.get("unchanged", 0) + counts.get("rejected", 0)
    figures = {
        "lines": total,
        "taken": 0,
        "unchanged": 0,
        "rejected": 0,
        **dict.fromkeys(kind_of(found.kind).counts, 0),
    }
    figures.update({key: counts[key] for key in figures if key in counts})
    extra = {"import_id": str(found.id), "status": found.status, "shift_days": found.shift_days}
    return {**figures, "lines_left": found.lines - total, **extra}
