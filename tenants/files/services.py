"""Store and delete files of the tenant in force."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from uuid import UUID

from flask_babel import lazy_gettext as _l

from config.extensions import db
from config.settings import get_settings
from tenants.errors import Malformed
from tenants.events import current_actor_ref
from tenants.files import queries
from tenants.files.models import StoredFile
from tenants.files.rules import MAX_BYTES, relative_path, safe_name
from tenants.ids import new_id
from tenants.scope import current_tenant_id


def save(
    data: bytes, *, name: str, purpose: str, media_type: str = "application/octet-stream", limit: int = MAX_BYTES
) -> StoredFile:
    """Store bytes (at most `limit`) and their row. Raises Malformed (field `file`) when they are too many.

    The bytes are written before the row is committed: what a rollback leaves behind has no row and is never served.
    """
    if len(data) > limit:
        raise Malformed(errors={"file": [_l("This file is larger than %(megabytes)d MB.", megabytes=limit >> 20)]})
    stored = StoredFile(
        id=new_id(),
        name=safe_name(name),
        media_type=media_type,
        size=len(data),
        sha256=hashlib.sha256(data).digest(),
        purpose=purpose,
        created_by=current_actor_ref(),
    )
    _write(get_settings().files_dir / relative_path(current_tenant_id(), stored.id), data)
    db.session.add(stored)
    db.session.flush()  # rows written in this transaction refer to it
    return stored


def _write(path: Path, data: bytes) -> None:
    """Write beside and rename, so that a crash leaves no half file under the name."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_suffix(".part")
    with beside.open("wb") as target:
        target.write(data)
        target.flush()
        os.fsync(target.fileno())
    beside.replace(path)


def delete(file_id: UUID) -> None:
    """Delete a file's bytes and row. Raises NotFound."""
    stored = queries.file(file_id)
    (get_settings().files_dir / relative_path(current_tenant_id(), file_id)).unlink(missing_ok=True)
    db.session.delete(stored)
