"""Imports every models.py, so that Base.metadata knows all tables; says what Alembic must not compare."""

from __future__ import annotations

import importlib
from pathlib import Path

from sqlalchemy import ForeignKeyConstraint

ROOT = Path(__file__).resolve().parent.parent


def import_all_models() -> None:
    """Import the kernel's tables and each <package>/<module>/models.py."""
    for kernel in ("tenants.events", "tenants.tasks"):
        importlib.import_module(kernel)
    for package in ("tenants", "loyalty", "channels"):
        for path in sorted((ROOT / package).glob("*/models.py")):
            importlib.import_module(f"{package}.{path.parent.name}.models")


def is_compared(item: object, name: str | None, kind: str, reflected: bool, _other: object) -> bool:
    """Alembic's include_object: the monthly partitions of events, and PostgreSQL's keys to each, are not modelled."""
    if kind == "foreign_key_constraint" and reflected and isinstance(item, ForeignKeyConstraint):
        return not item.elements[0].target_fullname.startswith("events_")
    return not (kind == "table" and reflected and str(name).startswith("events_"))
