"""Imports, their chunks waiting to be taken, their refused rows, and mappings that were saved."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, Date, DateTime, Double, Index, Integer, LargeBinary, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from config.extensions import Base
from tenants.scope import TenantKey, TenantScoped, tenant_fk

STATUSES = ("mapping", "checking", "ready", "running", "done", "cancelled", "undoing", "undone", "failed")
WORKING = ("checking", "running", "undoing")
_EMPTY = text("'{}'")
_NOW = text("now()")
_ZERO = text("0")


class Import(TenantScoped, Base):
    """One file on its way in. `next_chunk` is the cursor: everything before it is committed."""

    __tablename__ = "imports"

    kind: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, default="mapping", server_default=text("'mapping'"))
    file_id: Mapped[UUID] = mapped_column(Uuid)
    file_name: Mapped[str] = mapped_column(Text)
    checksum: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[str] = mapped_column(Text, default="", server_default=text("''"))
    source: Mapped[str] = mapped_column(Text, default="import", server_default=text("'import'"))
    format: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=_EMPTY)
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=_EMPTY)
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=_EMPTY)
    shift_days: Mapped[int] = mapped_column(Integer, default=0, server_default=_ZERO)
    shift_of: Mapped[UUID | None] = mapped_column(Uuid)
    first_day: Mapped[date | None] = mapped_column(Date)
    last_day: Mapped[date | None] = mapped_column(Date)
    lines: Mapped[int] = mapped_column(Integer, default=0, server_default=_ZERO)
    lines_done: Mapped[int] = mapped_column(Integer, default=0, server_default=_ZERO)
    chunks: Mapped[int] = mapped_column(Integer, default=0, server_default=_ZERO)
    next_chunk: Mapped[int] = mapped_column(Integer, default=0, server_default=_ZERO)
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=_EMPTY)
    preview: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=_EMPTY)
    problem: Mapped[str | None] = mapped_column(Text)
    seconds: Mapped[float] = mapped_column(Double, default=0.0, server_default=_ZERO)
    created_by: Mapped[str] = mapped_column(Text, default="system", server_default=text("'system'"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=_NOW)
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    beat_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        CheckConstraint("status IN ({})".format(", ".join(f"'{status}'" for status in STATUSES)), name="status"),
        tenant_fk("file_id", "files"),
        Index("ix_imports_tenant_id_checksum", "tenant_id", "checksum"),
        Index("ix_imports_tenant_id_signature", "tenant_id", "signature"),
        Index(
            "ix_imports_working",
            "tenant_id",
            "beat_at",
            postgresql_where=text("status IN ('checking', 'running', 'undoing')"),
        ),
    )

    @property
    def working(self) -> bool:
        """Whether jobs are at work on it."""
        return self.status in WORKING


class ImportChunk(TenantKey, Base):
    """Whole documents in date order, about 2,000 lines: what one job takes in one commit."""

    __tablename__ = "import_chunks"

    import_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    no: Mapped[int] = mapped_column(Integer, primary_key=True)
    lines: Mapped[int] = mapped_column(Integer)
    documents: Mapped[list[Any]] = mapped_column(JSON)

    __table_args__ = (tenant_fk("import_id", "imports", ondelete="CASCADE"),)


class ImportRow(TenantKey, Base):
    """A refused row: its line in the file, the column, the reason, its cells, and who mended it later."""

    __tablename__ = "import_rows"

    import_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    line: Mapped[int] = mapped_column(Integer, primary_key=True)
    document: Mapped[str] = mapped_column(Text, default="", server_default=text("''"))
    column_name: Mapped[str] = mapped_column(Text, default="", server_default=text("''"))
    code: Mapped[str] = mapped_column(Text)
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=_EMPTY)
    cells: Mapped[list[Any]] = mapped_column(JSONB, default=list, server_default=text("'[]'"))
    mended_by: Mapped[UUID | None] = mapped_column(Uuid)

    __table_args__ = (tenant_fk("import_id", "imports", ondelete="CASCADE"),)


class SavedMapping(TenantKey, Base):
    """The mapping last used for files with these column names."""

    __tablename__ = "import_mappings"

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    signature: Mapped[str] = mapped_column(Text, primary_key=True)
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB)
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=_NOW)
