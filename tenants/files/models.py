"""The row of a stored file; its bytes lie in the tenant's folder under its id."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from config.extensions import Base
from tenants.scope import TenantScoped


class StoredFile(TenantScoped, Base):
    """A file of the tenant: size in bytes, SHA-256 of its content, and what it is for."""

    __tablename__ = "files"

    name: Mapped[str] = mapped_column(Text)
    media_type: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    purpose: Mapped[str] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(Text, default="system", server_default=text("'system'"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))

    __table_args__ = (Index("ix_files_tenant_id_sha256", "tenant_id", "sha256"),)
