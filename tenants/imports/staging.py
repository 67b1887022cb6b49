"""Check a file: read every row, cut the good ones into chunks, list the bad ones, count for the preview."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from babel.numbers import get_currency_precision
from sqlalchemy import delete, insert, select

from config.extensions import db
from tenants.errors import NotFound
from tenants.imports import queries
from tenants.imports.kinds import Context, Document, Order, Refusal, Staged, kind_of
from tenants.imports.mapping import MARK, Mapping
from tenants.imports.models import Import, ImportChunk, ImportRow
from tenants.imports.readers import Format, RawRow, Unreadable, read
from tenants.info import tenant_info

CHUNK_LINES = 2_000
MAX_LINES = 1_000_000


def check(import_id: UUID, *, preview: bool = True) -> Import:
    """Read the whole file and stage it; the import is then `ready`, or `failed` with its problem's code.

    Without `preview` nothing is compared with what is recorded: a command that starts at once needs no figures.
    """
    found = queries.locked(import_id)
    if found.status not in ("mapping", "checking", "ready"):
        return found
    began = time.monotonic()
    try:
        with without_gc():
            staged = _stage(found)
    except (Unreadable, NotFound) as error:
        found.status, found.problem = "failed", getattr(error, "code", "gone")
        return found
    _store(found, staged)
    order = Order(found.id, found.source, found.options)
    found.preview = {
        **(kind_of(found.kind).preview(staged, order) if preview else {}),
        "shift_known": found.shift_of is not None,
        "staged": sum(document.lines for document in staged.documents),
    }
    found.status, found.seconds = "ready", time.monotonic() - began
    found.beat_at = datetime.now(UTC)
    return found


@contextlib.contextmanager
def without_gc() -> Iterator[None]:
    """Switch the collector off for a while: rows hold no cycles, and looking for some costs a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _stage(found: Import) -> Staged:
    data = queries.content(found)
    form, mapping = Format.from_dict(found.format), Mapping.from_dict(found.mapping)
    rows = _limited(read(data, form))
    context = _context(found, form)
    return kind_of(found.kind).stage(rows, columns=form.columns, mapping=mapping, context=context)


def _limited(rows: Iterator[RawRow]) -> Iterator[RawRow]:
    for count, row in enumerate(rows):
        if count >= MAX_LINES:
            raise Unreadable("too_many_lines", limit=str(MAX_LINES))
        yield row


def _context(found: Import, form: Format) -> Context:
    tenant = tenant_info()
    mended = MARK in form.columns

    def known_shift(first: date, last: date) -> int | None:
        earlier = _mended_from(found) if mended else None
        earlier = earlier or queries.earlier_shift(found, first, last)
        found.shift_of = earlier.id if earlier else None
        return earlier.shift_days if earlier else None

    return Context(
        zone=tenant.tz,
        country=tenant.country,
        currency=tenant.currency,
        exponent=get_currency_precision(tenant.currency),
        now=datetime.now(tenant.tz).replace(tzinfo=None),
        source=found.source,
        shift_to_today=bool(found.options.get("shift_to_today")) or mended,
        known_shift=known_shift,
        only_known_shift=mended and not found.options.get("shift_to_today"),
        options=found.options,
    )


def _mended_from(found: Import) -> Import | None:
    """The import whose refused rows this file brings back: its dates were moved by so much, so are these."""
    form = Format.from_dict(found.format)
    place = form.columns.index(MARK)
    marks = (row.cells[place] for row in read(queries.content(found), form) if row.problem is None)
    for mark in marks:
        head = mark.strip().partition("-")[0]
        if len(head) == 32:
            with contextlib.suppress(ValueError):
                return db.session.scalars(select(Import).where(Import.id == UUID(head))).one_or_none()
    return None


def _store(found: Import, staged: Staged) -> None:
    for table in (ImportChunk, ImportRow):
        db.session.execute(delete(table).where(table.import_id == found.id))
    chunks = list(cut(staged.documents))
    values = [{"import_id": found.id, "no": no, **chunk} for no, chunk in enumerate(chunks)]
    if values:
        db.session.execute(insert(ImportChunk), values)
    add_refusals(found.id, staged.refusals)
    found.lines, found.lines_done = staged.lines, len(staged.refusals)
    found.chunks, found.next_chunk = len(chunks), 0
    found.first_day, found.last_day, found.shift_days = staged.first_day, staged.last_day, staged.shift_days
    found.counts = {"taken": 0, "unchanged": 0, "rejected": len(staged.refusals)}


def cut(documents: list[Document], *, lines: int = CHUNK_LINES) -> Iterator[dict[str, Any]]:
    """Chunks of whole documents, in their order, of about `lines` lines each."""
    batch: list[list[Any]] = []
    count = 0
    for document in documents:
        batch.append(document.data)
        count += document.lines
        if count >= lines:
            yield {"lines": count, "documents": batch}
            batch, count = [], 0
    if batch:
        yield {"lines": count, "documents": batch}


def add_refusals(import_id: UUID, refusals: list[Refusal]) -> None:
    """List refused rows; a row is listed once."""
    values = [
        {
            "import_id": import_id,
            "line": refusal.line,
            "document": refusal.document,
            "column_name": refusal.column,
            "code": refusal.code,
            "detail": refusal.detail,
            "cells": [cell.replace("\0", "\ufffd")[:300] for cell in refusal.cells[:100]],
        }
        for refusal in refusals
    ]
    if values:
        db.session.execute(insert(ImportRow), values)
