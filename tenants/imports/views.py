"""The admin's screens of an import: upload, mapping, preview, progress, result."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import FileStorage

from tenants.access import requires
from tenants.forms import Form
from tenants.imports import jobs, queries, schemas, screens, services
from tenants.imports.kinds import kind_of
from tenants.imports.models import Import
from tenants.imports.readers import Format
from tenants.listing import Choice, Column, Empty, Listing
from tenants.scope import current_tenant_id
from tenants.web import page, see_other

bp = Blueprint("imports", __name__, url_prefix="/admin/imports")
bp.face = "admin"  # type: ignore[attr-defined]


IMPORTS = Listing(
    "imports",
    columns=[
        Column("file_name", _l("File")),
        Column("kind", _l("Holds"), value=lambda row: kind_of(row.kind).label),
        Column("status", _l("State"), value=lambda row: screens.STATUS_LABELS[row.status]),
        Column("lines", _l("Lines"), format="number"),
        Column("taken", _l("Taken"), value=lambda row: row.counts.get("taken", 0), format="number"),
        Column("rejected", _l("Refused"), value=lambda row: row.counts.get("rejected", 0), format="number"),
        Column("created_at", _l("Uploaded"), sort=Import.created_at, format="moment"),
    ],
    key=Import.id,
    sort="-created_at",
    filters=[Choice("status", _l("State"), Import.status, list(screens.STATUS_LABELS.items()))],
    link=lambda row: url_for("imports.show", import_id=row.id),
    empty=Empty(
        _l("Nothing has been imported yet"),
        _l("Upload a file of purchases or contacts. You see what it will do before anything happens."),
        "imports.new",
        _l("Upload a file"),
    ),
)


@bp.get("/")
@requires("imports.view")
def index() -> Any:
    """All imports."""
    return IMPORTS.respond(queries.imports(), "imports/index.html")


@bp.route("/new", methods=["GET", "POST"])
@requires("imports.run")
def new() -> Response:
    """Upload a file."""
    form = Form(schemas.UploadSchema(), values={"kind": request.args.get("kind", "")})
    if form.submit(_upload):
        return see_other(url_for(".mapping", import_id=form.result.id))
    return form.page("imports/new.html")


def _upload(*, kind: str, file: FileStorage) -> Import:
    return services.create(kind, name=file.filename or "", data=file.read())


@bp.route("/<uuid:import_id>/mapping", methods=["GET", "POST"])
@requires("imports.run")
def mapping(import_id: UUID) -> Response:
    """Say which column is what; then the file is checked."""
    found = queries.get(import_id)
    kind = kind_of(found.kind)
    head, rows = screens.samples(found)
    schema = schemas.mapping_schema(kind, found, screens.sample_values(head, rows))
    form = Form(schema, values=schemas.mapping_values(kind, found))
    if form.submit(_remap, found=found):
        return see_other(url_for(".show", import_id=import_id))
    reading = Form(schemas.ReadingSchema(), values=_reading(found)) if found.format["shape"] != "workbook" else None
    return form.page("imports/mapping.html", found=found, head=head, rows=rows, reading=reading, kind=kind)


def _remap(*, found: Import, source: str, **data: Any) -> None:
    mapping, options = schemas.mapping_from(data, found.mapping.get("notes", {}))
    services.remap(found.id, mapping=mapping, source=source, options=options)
    services.checking(found.id)
    jobs.check_file.enqueue(current_tenant_id(), found.id)


def _reading(found: Import) -> dict[str, Any]:
    form = Format.from_dict(found.format)
    return {"encoding": form.encoding, "header": bool(form.header_line)}


@bp.post("/<uuid:import_id>/reread")
@requires("imports.run")
def reread(import_id: UUID) -> Response:
    """Read the file with another character set, or with or without a header."""
    queries.get(import_id)
    form = Form(schemas.ReadingSchema())
    if not form.submit(services.reread, import_id=import_id):
        flash(" ".join(str(each) for said in form.errors.values() for each in said) or str(form.sentence), "danger")
    return see_other(url_for(".mapping", import_id=import_id))


@bp.get("/<uuid:import_id>")
@requires("imports.view")
def show(import_id: UUID) -> Response:
    """The import in its present state: preview, progress or result."""
    found = queries.get(import_id)
    return page("imports/show.html", found=found, kind=kind_of(found.kind), screens=screens, twin=queries.twin(found))


@bp.get("/<uuid:import_id>/progress")
@requires("imports.view")
def progress(import_id: UUID) -> Response:
    """The progress bar alone; when the work has ended, the whole page is asked for."""
    found = queries.get(import_id)
    if not found.working:
        return see_other(url_for(".show", import_id=import_id))
    return page("imports/_progress.html", found=found, screens=screens)


@bp.post("/<uuid:import_id>/start")
@requires("imports.run")
def start(import_id: UUID) -> Response:
    """Start taking a checked file."""
    found = services.start(import_id)
    jobs.run_chunk.enqueue(current_tenant_id(), import_id, found.next_chunk)
    return see_other(url_for(".show", import_id=import_id))


@bp.post("/<uuid:import_id>/resume")
@requires("imports.run")
def resume(import_id: UUID) -> Response:
    """Wake an import whose jobs have fallen silent; what they did stands."""
    found = queries.get(import_id)
    wake = {
        "checking": (jobs.check_file, ()),
        "running": (jobs.run_chunk, (found.next_chunk,)),
        "undoing": (jobs.undo_step, ()),
    }
    if found.status in wake:
        job, more = wake[found.status]
        job.enqueue(current_tenant_id(), import_id, *more)
    return see_other(url_for(".show", import_id=import_id))


@bp.post("/<uuid:import_id>/cancel")
@requires("imports.run")
def cancel(import_id: UUID) -> Response:
    """Stop an import; what was taken stays."""
    services.cancel(import_id)
    return see_other(url_for(".show", import_id=import_id))


@bp.post("/<uuid:import_id>/undo")
@requires("imports.run")
def undo(import_id: UUID) -> Response:
    """Take an import back."""
    services.start_undo(import_id)
    jobs.undo_step.enqueue(current_tenant_id(), import_id)
    return see_other(url_for(".show", import_id=import_id))


@bp.post("/<uuid:import_id>/forget")
@requires("imports.run")
def forget(import_id: UUID) -> Response:
    """Delete an upload that was never started."""
    services.forget(import_id)
    flash(_("The upload was deleted."), "success")
    return see_other(url_for(".index"))


@bp.get("/<uuid:import_id>/refused.csv")
@requires("imports.view")
def refused(import_id: UUID) -> Response:
    """The refused rows with their reasons, to be mended and uploaded again."""
    found = queries.get(import_id)
    head, rows = queries.refused_table(found)
    stem = found.file_name.removesuffix(".gz").rpartition(".")[0] or found.file_name
    return _download(f"{stem}-refused.csv", head, rows)


@bp.get("/<uuid:import_id>/findings.csv")
@requires("imports.view")
def findings(import_id: UUID) -> Response:
    """All returned lines without original."""
    lines = screens.findings(queries.get(import_id), limit=100_000)
    return _download("returns-without-original.csv", screens.findings_head(), iter(lines))


def _download(name: str, head: list[str], rows: Iterator[list[str]]) -> Response:
    response = Response("".join(_csv(head, rows)), mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _csv(head: list[str], rows: Iterator[list[str]]) -> Iterator[str]:
    """CSV in UTF-8 with a byte order mark, which spreadsheets need to see."""
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\r\n")
    buffer.write("\ufeff")
    for row in (head, *rows):
        table.writerow(row)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
