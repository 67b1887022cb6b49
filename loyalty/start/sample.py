"""A made-up year of sales in the shape of a real file, for a first look. Pure; the same each time."""

from __future__ import annotations

import csv
import io
import random
from datetime import datetime, timedelta

MEMBERS, RECEIPTS = 240, 2600
LAST = datetime(2011, 12, 9, 12, 0)  # noqa: DTZ001  # local times, as in the real file
HEAD = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
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


def sample_sales(*, receipts: int = RECEIPTS) -> bytes:
    """A CSV of sales to some hundred customers and to others, over a year."""
    chance = random.Random(20111209)  # noqa: S311  # made-up sales, no secret
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(HEAD)
    for number in range(receipts):
        at = LAST - timedelta(minutes=chance.randrange(373 * 24 * 60))
        customer = str(12000 + min(int(chance.paretovariate(1.1)), MEMBERS)) if chance.random() < 0.85 else ""
        for sku, name, price in chance.sample(GOODS, chance.randint(1, 6)):
            quantity = chance.choice((1, 1, 1, 2, 2, 3, 4, 6, 12))
            row = [540000 + number, sku, name, quantity, f"{at:%Y-%m-%d %H:%M:%S}", price, customer, "United Kingdom"]
            table.writerow(row)
    return out.getvalue().encode()
