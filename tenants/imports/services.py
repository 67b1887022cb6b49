"""Bring a file in: keep it, guess its mapping, change that, start, cancel, take back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert

from config.extensions import db
from tenants.errors import Conflict, Malformed
from tenants.events import Fact, current_actor_ref, record
from tenants.files import services as files
from tenants.imports import queries
from tenants.imports.kinds import Kind, kind_of
from tenants.imports.mapping import Mapping, guess, signature
from tenants.imports.models import Import, ImportChunk, ImportRow, SavedMapping
from tenants.imports.readers import Format, Unreadable, first_rows, read, reformat, sniff
from tenants.imports.reasons import file_reason
from tenants.info import tenant_info

MONTH_FIRST = frozenset({"US", "PH", "PW", "FM", "MH"})


@dataclass(frozen=True)
class ImportStarted(Fact):
    """Somebody let a file in."""

    kind: ClassVar[str] = "import.started"
    import_id: UUID
    of: str
    lines: int


@dataclass(frozen=True)
class ImportCancelled(Fact):
    """Somebody stopped an import; what was taken stays."""

    kind: ClassVar[str] = "import.cancelled"
    import_id: UUID
    of: str
    lines_done: int


@dataclass(frozen=True)
class ImportUndoStarted(Fact):
    """Somebody takes an import back."""

    kind: ClassVar[str] = "import.undo_started"
    import_id: UUID
    of: str


def create(
    kind: str, *, name: str, data: bytes, source: str = "import", options: dict[str, Any] | None = None
) -> Import:
    """Keep an uploaded file and guess how to read it; a mapping saved for the same columns is used again.

    Raises Malformed (field `file`) with a sentence when it cannot be read at all.
    """
    what = kind_of(kind)
    try:
        form = sniff(data)
        rows = [row.cells for row in first_rows(data, form)]
        # Rows that are all damaged may need another character set, which the next screen offers.
        if not rows and next(iter(read(data, form)), None) is None:
            raise Unreadable("no_rows")
    except Unreadable as error:
        raise Malformed(errors={"file": [file_reason(error.code, error.detail)]}, code=error.code) from error
    stored = files.save(data, name=name, purpose="import")
    found = Import(
        kind=kind, file_id=stored.id, file_name=stored.name, checksum=stored.sha256, source=source,
        signature=signature(kind, form.columns), format=form.as_dict(), options=dict(options or {}),
        created_by=current_actor_ref(), status="mapping", counts={}, preview={}, shift_days=0,
    )  # fmt: skip
    found.mapping = _known_or_guessed(what, form, rows, found.signature).as_dict()
    db.session.add(found)
    db.session.flush()  # its id is asked for at once
    return found


def _known_or_guessed(what: Kind, form: Format, rows: list[list[str]], mark: str) -> Mapping:
    prefer = "mdy" if tenant_info().country in MONTH_FIRST else "dmy"
    guessed = guess(what.fields, form.columns, rows, prefer=prefer)
    saved = queries.saved_mapping(what.key, mark)
    if saved is None:
        return guessed
    known = Mapping.from_dict(saved)
    notes = {**guessed.notes, "saved": True}
    # A saved date order that no longer fits these values would refuse every row.
    order = (
        known.date_order
        if known.date_order in (guessed.date_order, *guessed.notes["date_also"])
        else guessed.date_order
    )
    return Mapping(known.columns, order, known.decimal_mark, notes)


def reread(import_id: UUID, *, encoding: str, header: bool) -> Import:
    """Read the file in another way (encoding, first line a header or not) and guess the mapping anew."""
    found = _in_mapping(import_id)
    data = queries.content(found)
    try:
        form = reformat(data, Format.from_dict(found.format), encoding=encoding, header=header)
    except (Unreadable, LookupError) as error:
        raise Malformed(errors={"encoding": [_l("The file cannot be read in this way.")]}) from error
    rows = [row.cells for row in first_rows(data, form)]
    found.format, found.signature = form.as_dict(), signature(found.kind, form.columns)
    found.mapping = _known_or_guessed(kind_of(found.kind), form, rows, found.signature).as_dict()
    return found


def remap(import_id: UUID, *, mapping: Mapping, source: str = "", options: dict[str, Any] | None = None) -> Import:
    """Set the mapping and save it for files with the same columns. Raises Malformed for a missing column."""
    found = _in_mapping(import_id)
    what, columns = kind_of(found.kind), Format.from_dict(found.format).columns
    missing = mapping.missing(what.fields, columns)
    if missing:
        raise Malformed(errors={f"column_{item.key}": [_l("Choose the column.")] for item in missing})
    _refuse_double(mapping)
    found.mapping = mapping.as_dict()
    found.source = source or found.source
    found.options = {**found.options, **(options or {})}
    saved = {"kind": found.kind, "signature": found.signature, "mapping": found.mapping}
    statement = insert(SavedMapping).values(saved)
    again = {"mapping": statement.excluded.mapping, "updated_at": func.now()}
    db.session.execute(statement.on_conflict_do_update(constraint="pk_import_mappings", set_=again))
    return found


def _refuse_double(mapping: Mapping) -> None:
    used: dict[str, str] = {}
    for key, column in mapping.columns.items():
        if column in used:
            raise Malformed(errors={f"column_{key}": [_l("This column is used twice.")]})
        used[column] = key


def _in_mapping(import_id: UUID) -> Import:
    found = queries.locked(import_id)
    if found.status not in ("mapping", "ready", "failed"):
        raise Conflict(_l("This import has been started; its mapping can no longer be changed."), code="import_started")
    return found


def checking(import_id: UUID) -> Import:
    """Say that the file is being checked; the check itself is a job."""
    found = _in_mapping(import_id)
    found.status, found.beat_at, found.problem = "checking", datetime.now(UTC), None
    return found


def start(import_id: UUID) -> Import:
    """Let a checked file in; the chunks follow one by one. Starting it again changes nothing."""
    found = queries.locked(import_id)
    if found.status == "running":
        return found
    if found.status != "ready":
        raise Conflict(_l("Check the file before you start it."), code="import_not_ready")
    now = datetime.now(UTC)
    found.status, found.started_at, found.beat_at = "running", now, now
    record(ImportStarted(found.id, found.kind, found.lines))
    return found


def cancel(import_id: UUID) -> Import:
    """Stop an import. What was taken stays; the rest can be had by uploading the file again."""
    found = queries.locked(import_id)
    if found.status == "cancelled":
        return found
    if found.status not in ("running", "ready", "mapping", "checking"):
        raise Conflict(_l("This import is no longer running."), code="import_not_running")
    found.status, found.finished_at = "cancelled", datetime.now(UTC)
    db.session.execute(delete(ImportChunk).where(ImportChunk.import_id == import_id))
    record(ImportCancelled(found.id, found.kind, found.lines_done))
    return found


def start_undo(import_id: UUID) -> Import:
    """Begin to take an import back; the steps follow one by one. Beginning again changes nothing."""
    found = queries.locked(import_id)
    if found.status == "undoing":
        return found
    if found.status not in ("done", "cancelled") or not kind_of(found.kind).can_undo:
        raise Conflict(_l("This import cannot be undone in its present state."), code="import_not_undoable")
    now = datetime.now(UTC)
    found.status, found.beat_at = "undoing", now
    record(ImportUndoStarted(found.id, found.kind))
    return found


def forget(import_id: UUID) -> None:
    """Delete an import that took nothing, with its file. Raises Conflict once it was started."""
    found = _in_mapping(import_id)
    file_id = found.file_id
    for table in (ImportChunk, ImportRow):
        db.session.execute(delete(table).where(table.import_id == import_id))
    db.session.delete(found)
    db.session.flush()  # the file's row is referred to until the import is gone
    files.delete(file_id)
