"""What is known of API keys. Read only."""

from __future__ import annotations

from sqlalchemy import Select, select

from tenants.integrations.models import ApiKey


def keys() -> Select[tuple[ApiKey]]:
    """All keys of this tenant."""
    return select(ApiKey)
