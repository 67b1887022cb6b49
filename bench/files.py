"""`import_lines`: the real file through the command, beside an idempotent COPY merge of the same lines."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from bench.load import ROOT, BenchError
from bench.report import Figure, rate
from bench.stage import Stage
from tenants.directory.services import create_tenant

FILE = "online-retail-30k.csv.gz"
FLOOR_TABLES = """
DROP TABLE IF EXISTS floor_lines, floor_balances;
CREATE TABLE floor_lines (doc text, line int, sku text, quantity numeric, amount bigint, at timestamptz, member text,
  PRIMARY KEY (doc, line));
CREATE INDEX ON floor_lines (member, at);
CREATE TABLE floor_balances (member text PRIMARY KEY, balance bigint NOT NULL);
"""
STAGE = "CREATE TEMP TABLE floor_stage (LIKE floor_lines) ON COMMIT DROP"
MERGE = """
WITH fresh AS (INSERT INTO floor_lines SELECT * FROM floor_stage ON CONFLICT DO NOTHING RETURNING member, amount)
INSERT INTO floor_balances AS b SELECT member, sum(amount) FROM fresh WHERE member <> '' GROUP BY member
ON CONFLICT (member) DO UPDATE SET balance = b.balance + excluded.balance
"""


def measure(place: Stage, *, rounds: int) -> Figure | None:
    """Lines per second of the whole import. None, with a sentence, where the real files are absent."""
    path = Path(os.environ.get("PERENNIAL_DATA") or ROOT.parent / "shared" / "data") / FILE
    if not path.exists():
        sys.stderr.write(f"import_lines: {FILE} is not in PERENNIAL_DATA, so there is no figure\n")
        return None
    text, lines = _prepared(path)
    pairs = [(lines / _import(path, number), lines / _merge(place, text)) for number in range(rounds)]
    note = f"{lines:,} real lines: read, checked, points by lot, events"
    return rate("import_lines", pairs, unit="lines/s", floor_name="idempotent COPY merge of the same lines", note=note)


def _import(path: Path, number: int) -> float:
    slug = f"import-{number}-{time.time_ns() % 10**6}"
    create_tenant(slug=slug, name="Import", country="GB", locale="en_GB", currency="GBP", zone="Europe/London")
    command = [sys.executable, "-m", "flask", "import", "purchases", str(path), "--tenant", slug, "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"the import said: {done.stderr[-800:]}")
    return float(json.loads(done.stdout.splitlines()[-1])["seconds"])


def _prepared(path: Path) -> tuple[str, int]:
    numbers: dict[str, int] = {}
    out = io.StringIO()
    writer = csv.writer(out)
    with gzip.open(path, "rt", encoding="utf-8") as source:
        for row in csv.DictReader(source):
            document = row["InvoiceNo"]
            numbers[document] = numbers.get(document, 0) + 1
            amount = round(float(row["Quantity"]) * float(row["UnitPrice"]) * 100)
            rest = [row["StockCode"], row["Quantity"], amount, row["InvoiceDate"], row["CustomerID"]]
            writer.writerow([document, numbers[document], *rest])
    return out.getvalue(), sum(numbers.values())


def _merge(place: Stage, text: str) -> float:
    with psycopg.connect(place.admin_url) as connection:
        connection.execute(FLOOR_TABLES)
        connection.commit()
        started = time.perf_counter()
        connection.execute(STAGE)
        with connection.cursor().copy("COPY floor_stage FROM STDIN (FORMAT csv, FORCE_NOT_NULL (member))") as copy:
            copy.write(text)
        connection.execute(MERGE)
        connection.commit()
        return time.perf_counter() - started
