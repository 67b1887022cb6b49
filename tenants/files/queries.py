"""Read files of the tenant in force."""

from __future__ import annotations

import hashlib
from pathlib import Path
from uuid import UUID

from config.extensions import db
from config.settings import get_settings
from tenants.errors import NotFound
from tenants.files.models import StoredFile
from tenants.files.rules import relative_path
from tenants.scope import current_tenant_id


class Damaged(OSError):
    """The bytes on disk are not those that were stored."""


def file(file_id: UUID) -> StoredFile:
    """The file's row. Raises NotFound, also for another tenant's."""
    stored = db.session.get(StoredFile, (current_tenant_id(), file_id))
    if stored is None:
        raise NotFound
    return stored


def path(stored: StoredFile) -> Path:
    """Where the bytes lie. Raises NotFound when they are gone."""
    place = get_settings().files_dir / relative_path(current_tenant_id(), stored.id)
    if not place.is_file():
        raise NotFound
    return place


def content(stored: StoredFile) -> bytes:
    """The bytes, checked against their checksum. Raises NotFound or Damaged."""
    data = path(stored).read_bytes()
    if hashlib.sha256(data).digest() != stored.sha256:
        raise Damaged(stored.id)
    return data
