"""The jobs of an import: check the file, take one chunk after the other, take them back."""

from __future__ import annotations

from uuid import UUID

from tenants.imports import chunks, staging
from tenants.jobs import tenant_job


@tenant_job(queue="bulk", timeout=1800)
def check_file(_tenant_id: UUID, import_id: str) -> None:
    """Read the whole file and stage it."""
    staging.check(UUID(import_id))


@tenant_job(queue="bulk", timeout=900)
def run_chunk(tenant_id: UUID, import_id: str, no: int) -> None:
    """Take chunk `no`, then owe the next one."""
    found = chunks.take_chunk(UUID(import_id), no)
    if found.status == "running":
        run_chunk.enqueue(tenant_id, import_id, found.next_chunk)


@tenant_job(queue="bulk", timeout=900)
def undo_step(tenant_id: UUID, import_id: str) -> None:
    """Take some documents back, then owe the next step."""
    if chunks.undo_step(UUID(import_id)).status == "undoing":
        undo_step.enqueue(tenant_id, import_id)
