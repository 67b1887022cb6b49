"""A year of sales for the department store: the real file where it lies, else a smaller made-up one."""

from __future__ import annotations

import gzip
from dataclasses import dataclass

from config.settings import get_settings
from loyalty.start.sample import sample_sales

REAL = "online-retail-30k.csv.gz"


@dataclass(frozen=True)
class Sales:
    """A file of sales: its name and its bytes."""

    name: str
    data: bytes
    real: bool


def sales() -> Sales:
    """The real file if PERENNIAL_DATA has it, else the made-up one; always the same bytes on one installation."""
    path = get_settings().data_dir / REAL
    if path.exists():
        return Sales("online-retail.csv", gzip.decompress(path.read_bytes()), real=True)
    return Sales("made-up-sales.csv", sample_sales(), real=False)
