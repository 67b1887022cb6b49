"""Time-ordered identifiers, the Python twin of the SQL function new_id()."""

from __future__ import annotations

import os
import time
from uuid import UUID


def new_id() -> UUID:
    """A version 7 UUID (RFC 9562): 48 bits of Unix milliseconds, 12 bits of their fraction, then random bits.

    With the fraction (method 3 of the RFC) ids of one process sort in the order in which they were made.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    value = milliseconds << 80 | 0x7 << 76 | (rest * 4096 // 1_000_000) << 64
    return UUID(int=value | 0x2 << 62 | int.from_bytes(os.urandom(8)) >> 2)
