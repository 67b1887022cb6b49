"""Compare a document of a file with what was recorded of it, line by line. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

Content = tuple[str, Decimal, int]  # SKU, quantity, minor units


class Recorded(NamedTuple):
    """What is recorded under a document's number: how many documents (it and what was added), and their lines."""

    documents: int
    same_member: bool
    had_refusals: bool
    lines: Sequence[Content]


def left_out(lines: Iterable[Sequence[Any]], recorded: Iterable[Content]) -> tuple[list[Sequence[Any]], bool]:
    """The lines of the file that are not recorded yet, and whether something recorded is not in the file.

    Equal lines are told apart by their number only: three in the file and two recorded leave one.
    """
    counts = Counter((sku, quantity.normalize(), minor) for sku, quantity, minor in recorded)
    extra = []
    for line in lines:
        content = (line[2], Decimal(line[4]).normalize(), line[6])
        if counts[content] > 0:
            counts[content] -= 1
        else:
            extra.append(line)
    return extra, any(counts.values())
