"""A year of sales for the department store: the real file where it lies, else a smaller made-up one."""

from __future__ import annotations

import csv
import gzip
import io
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from config.settings import get_settings

REAL = "online-retail-30k.csv.gz"
MEMBERS, RECEIPTS = 240, 2600
LAST = datetime(2011, 12, 9, 12, 0)  # noqa: DTZ001  # local times, as in the real file
GOODS = (
    ("22423", "Cake stand, three tiers", 12.75),
    ("85123A", "Hanging heart candle holder", 2.95),
    ("84879", "Assorted bird ornament", 1.69),
    ("47566", "Party bunting", 4.95),
    ("20725", "Lunch bag, red", 1.65),
    ("22720", "Cake tins, set of three", 4.95),
    ("21212", "Cake cases, pack of 72", 0.55),
    ("23298", "Vintage bunting", 4.95),
    ("22457", "Slate heart, natural", 2.95),
    ("22960", "Jam making set with jars", 4.25),
    ("23084", "Rabbit night light", 2.08),
    ("21754", "Home building block word", 5.95),
    ("22138", "Baking set, nine pieces", 4.95),
    ("23203", "Jumbo bag, vintage doily", 2.08),
    ("22111", "Hot water bottle, Scottie dog", 4.95),
)


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
    return Sales("made-up-sales.csv", _invented(), real=False)


def _invented() -> bytes:
    chance = random.Random(20111209)  # made-up sales, no secret
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow("InvoiceNo StockCode Description Quantity InvoiceDate UnitPrice CustomerID Country".split())
    for number in range(RECEIPTS):
        at = LAST - timedelta(minutes=chance.randrange(373 * 24 * 60))
        customer = str(12000 + min(int(chance.paretovariate(1.1)), MEMBERS)) if chance.random() < 0.85 else ""
        for sku, name, price in chance.sample(GOODS, chance.randint(1, 6)):
            quantity = chance.choice((1, 1, 1, 2, 2, 3, 4, 6, 12))
            table.writerow(
                [540000 + number, sku, name, quantity, f"{at:%Y-%m-%d %H:%M:%S}", price, customer, "United Kingdom"]
            )
    return out.getvalue().encode()
