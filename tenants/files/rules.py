"""What may be stored, and under which name. Pure."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath
from uuid import UUID

MAX_BYTES = 50 * 1024 * 1024  # of one upload, packed or not
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')


def safe_name(name: str) -> str:
    """The last part of a file name as people may see it: no path, no control characters, at most 120 characters."""
    last = PurePosixPath(unicodedata.normalize("NFC", name).replace("\\", "/")).name
    clean = _UNSAFE.sub("_", last).strip(" .") or "file"
    stem, dot, ending = clean.rpartition(".")
    return f"{stem[: 119 - len(ending)]}.{ending}" if dot and stem else clean[:120]


def relative_path(tenant_id: UUID, file_id: UUID) -> str:
    """Where a file lies under the files folder; only ids, nothing a person typed."""
    return f"{tenant_id}/{file_id.hex[-2:]}/{file_id}"
