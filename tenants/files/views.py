"""The door to stored files: always as a download, never shown inside a page."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, send_file

from tenants.access import requires
from tenants.files import queries

bp = Blueprint("files", __name__, url_prefix="/admin/files")
bp.face = "admin"  # type: ignore[attr-defined]


@bp.get("/<uuid:file_id>")
@requires("files.view")
def download(file_id: UUID) -> Response:
    """The bytes of a file under its own name."""
    stored = queries.file(file_id)
    answer = send_file(
        queries.path(stored), as_attachment=True, download_name=stored.name, mimetype="application/octet-stream"
    )
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
