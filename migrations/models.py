"""Imports every models.py, so that Base.metadata knows all tables."""

from __future__ import annotations

import importlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def import_all_models() -> None:
    """Import the kernel's tables and each <package>/<module>/models.py."""
    for kernel in ("tenants.events", "tenants.tasks"):
        importlib.import_module(kernel)
    for package in ("tenants", "loyalty", "channels"):
        for path in sorted((ROOT / package).glob("*/models.py")):
            importlib.import_module(f"{package}.{path.parent.name}.models")
