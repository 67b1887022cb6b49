"""Read imports, their refused rows and their progress."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from config.extensions import db
from tenants.errors import NotFound
from tenants.files import queries as files
from tenants.imports.mapping import MARK, MARKS
from tenants.imports.models import Import, ImportChunk, ImportRow, SavedMapping
from tenants.imports.readers import Format, RawRow, read
from tenants.imports.reasons import row_reason
from tenants.scope import current_tenant_id

COUNTED = ("running", "done", "cancelled")


def get(import_id: UUID) -> Import:
    """The import. Raises NotFound, also for another tenant's."""
    found = db.session.get(Import, (current_tenant_id(), import_id))
    if found is None:
        raise NotFound
    return found


def locked(import_id: UUID) -> Import:
    """The import, locked until the end of the transaction. Raises NotFound."""
    statement = select(Import).where(Import.id == import_id).with_for_update()
    found = db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise NotFound
    return found


def imports() -> Select[tuple[Import]]:
    """All imports, for the list."""
    return select(Import)


def content(found: Import) -> bytes:
    """The uploaded bytes. Raises NotFound when they are gone."""
    return files.content(files.file(found.file_id))


def chunk(import_id: UUID, no: int) -> ImportChunk | None:
    """A staged chunk, None when it is no longer there."""
    return db.session.get(ImportChunk, (current_tenant_id(), import_id, no))


def saved_mapping(kind: str, signature: str) -> dict[str, Any] | None:
    """The mapping last used for files with these columns."""
    saved = db.session.get(SavedMapping, (current_tenant_id(), kind, signature))
    return saved.mapping if saved else None


def unfinished(kind: str, checksum: bytes, source: str) -> Import | None:
    """An import of the same bytes that was started and is not at its end, the latest one."""
    statement = (
        select(Import)
        .where(Import.kind == kind, Import.checksum == checksum, Import.source == source, Import.status == "running")
        .order_by(Import.created_at.desc())
        .limit(1)
    )
    return db.session.scalars(statement).one_or_none()


def earlier_shift(found: Import, first: date, last: date) -> Import | None:
    """The earliest import whose moved dates a file like this one must follow.

    Same columns and source, and the file's days lie within those the earlier one had: the same file
    again, a part of it, or its mended rows.
    """
    statement = (
        select(Import)
        .where(
            Import.kind == found.kind,
            Import.signature == found.signature,
            Import.source == found.source,
            Import.status.in_(COUNTED),
            Import.id != found.id,
            Import.options["shift_to_today"].as_boolean(),
            Import.first_day <= first,
            Import.last_day >= last,
        )
        .order_by(Import.created_at)
        .limit(1)
    )
    return db.session.scalars(statement).one_or_none()


def twin(found: Import) -> Import | None:
    """An earlier import of the same bytes that was taken, to say so."""
    statement = (
        select(Import)
        .where(
            Import.kind == found.kind,
            Import.checksum == found.checksum,
            Import.id != found.id,
            Import.status.in_(COUNTED),
            Import.created_at < found.created_at,
        )
        .order_by(Import.created_at.desc())
        .limit(1)
    )
    return db.session.scalars(statement).one_or_none()


def refused(import_id: UUID, *, limit: int = 100) -> Sequence[ImportRow]:
    """The first refused rows in the order of the file."""
    statement = select(ImportRow).where(ImportRow.import_id == import_id).order_by(ImportRow.line).limit(limit)
    return db.session.scalars(statement).all()


def refused_by_reason(import_id: UUID) -> list[tuple[str, str, int]]:
    """Code, column and number of refused rows, the most frequent first."""
    count = func.count()
    statement = (
        select(ImportRow.code, ImportRow.column_name, count)
        .where(ImportRow.import_id == import_id)
        .group_by(ImportRow.code, ImportRow.column_name)
        .order_by(count.desc(), ImportRow.code)
    )
    return [(code, column, number) for code, column, number in db.session.execute(statement)]


def refused_table(found: Import) -> tuple[list[str], Iterator[list[str]]]:
    """The refused rows as they stood in the file, with three columns of ours behind: mark, column, reason.

    Mended and uploaded again, the mark says which row of which import it was.
    """
    form = Format.from_dict(found.format)
    keep = [index for index, name in enumerate(form.columns) if name not in MARKS]
    statement = select(ImportRow).where(ImportRow.import_id == found.id)
    reasons = {row.line: row for row in db.session.scalars(statement)}
    rows = read(content(found), form) if reasons else iter(())
    head = [form.columns[index] for index in keep] + list(MARKS)
    return head, (_refused_row(raw, reasons[raw.line], keep, form, found) for raw in rows if raw.line in reasons)


def _refused_row(raw: RawRow, row: ImportRow, keep: list[int], form: Format, found: Import) -> list[str]:
    cells = [raw.cells[index] if index < len(raw.cells) else "" for index in keep]
    beyond = raw.cells[len(form.columns) :]
    if beyond and cells:
        cells[-1] = " ".join([cells[-1], *beyond])
    mark = f"{found.id.hex}-{raw.line}"
    if MARK in form.columns and len(raw.cells) == len(form.columns):
        mark = raw.cells[form.columns.index(MARK)] or mark  # a row refused twice stays the row it was
    return [*cells, mark, row.column_name, row_reason(row.code, row.detail)]
