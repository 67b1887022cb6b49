"""The real files: Online Retail and CDNOW, where they lie beside this repository."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tenants.info import TenantInfo


@pytest.fixture
def data_dir(app: Flask) -> Path:
    folder: Path = app.extensions["settings"].data_dir
    if not folder.is_dir():
        pytest.skip(f"The real files are not in {folder}; set PERENNIAL_DATA to the folder that has them.")
    return folder


@pytest.fixture
def retail(data_dir: Path) -> Path:
    return data_dir / "online-retail-30k.csv.gz"


@pytest.fixture
def cdnow(data_dir: Path) -> Path:
    return data_dir / "cdnow-master.txt.gz"


@pytest.fixture
def proved(scope: Session) -> Iterator[Session]:
    from loyalty.points.queries import forget_terms, unproved

    forget_terms()
    yield scope
    scope.rollback()
    assert unproved() == []


def staged(data: bytes) -> Any:
    from loyalty.purchases.import_fields import FIELDS
    from loyalty.purchases.import_rules import stage
    from tenants.imports.kinds import Context
    from tenants.imports.mapping import guess
    from tenants.imports.readers import first_rows, read, sniff

    form = sniff(data)
    mapping = guess(FIELDS, form.columns, [row.cells for row in first_rows(data, form)])
    context = Context(ZoneInfo("Europe/London"), "GB", "GBP", 2, datetime(2026, 11, 22, 12), shift_to_today=True)
    return stage(read(data, form), columns=form.columns, mapping=mapping, context=context)


def test_online_retail_as_it_is(retail: Path) -> None:
    found = staged(retail.read_bytes())
    assert (found.lines, len(found.refusals)) == (30_000, 0)
    assert (found.first_day, found.last_day) == (date(2010, 12, 1), date(2011, 12, 9))
    assert found.documents[-1].at.date() == date(2026, 11, 21)
    figures = found.figures
    assert (figures["anonymous"], figures["purchases"], figures["refunds"]) == (2_000, 11_856, 620 + 13)
    assert len(figures["members"]) == 3_569
    assert not any("." in number for number in figures["members"])


def test_cdnow_as_it_is(cdnow: Path) -> None:
    found = staged(cdnow.read_bytes())
    assert (found.lines, len(found.refusals)) == (69_659, 0)
    assert (len(found.documents), len(found.figures["members"])) == (67_591, 23_570)
    assert sum(document.lines for document in found.documents) == 69_659
    # 255 identical lines are lines of their own: nothing is folded away.
    assert sum(total for _month, total in found.figures["months"]) == 250_031_563


def run(slug: str, path: Path, app: Flask, *more: str) -> tuple[dict[str, Any], int]:
    """`flask import purchases` as somebody types it."""
    answer = app.test_cli_runner().invoke(args=["import", "purchases", str(path), "--tenant", slug, "--json", *more])
    assert answer.exit_code in (0, 1, 3) and answer.stdout, answer.output
    return json.loads(answer.stdout.strip().splitlines()[-1]), answer.exit_code


def test_online_retail_by_command(app: Flask, tenant: TenantInfo, retail: Path, tmp_path: Path) -> None:
    first, code = run(tenant.slug, retail, app, "--shift-to-today")
    assert code == 0
    expected = {
        "lines": 30_000, "taken": 30_000, "unchanged": 0, "rejected": 0, "anonymous": 2_000, "purchases": 11_856,
        "refunds": 633, "members": 3_569,
    }  # fmt: skip
    assert {key: first[key] for key in expected} == expected
    assert 540 <= first["refunds_without_original"] <= 600
    assert first["points_awarded"] > 500_000 and first["points_reversed"] > 0 and first["seconds"] > 0

    again, code = run(tenant.slug, retail, app, "--shift-to-today")
    assert code == 0
    assert (again["lines"], again["taken"], again["unchanged"], again["rejected"]) == (30_000, 0, 30_000, 0)
    assert (again["points_awarded"], again["points_reversed"], again["members"]) == (0, 0, 0)

    broken, code = run(tenant.slug, fifty_broken_rows(retail, tmp_path), app, "--shift-to-today")
    assert code == 3
    assert (broken["taken"], broken["unchanged"], broken["rejected"]) == (0, 29_950, 50)


def fifty_broken_rows(path: Path, tmp_path: Path) -> Path:
    chance = random.Random(4)
    lines = gzip.decompress(path.read_bytes()).split(b"\n")
    for turn, place in enumerate(chance.sample(range(1, 30_001), 50)):
        line, cells = lines[place], lines[place].split(b",")
        lines[place] = (
            b",".join(cells[:4]), cells[0] + b',"' + b",".join(cells[1:]).replace(b'"', b""), line.replace(b":00,", b":99x,", 1),
            line[:10] + b"\0" + line[10:], line[:16] + b"\xff\xfe" + line[16:], line + b",extra",
        )[turn % 6]  # fmt: skip
    target = tmp_path / "broken.csv"
    target.write_bytes(b"\n".join(lines))
    return target


def test_a_part_of_cdnow_goes_in(app: Flask, proved: Session, tenant: TenantInfo, cdnow: Path, tmp_path: Path) -> None:
    from loyalty.purchases.models import Purchase

    proved.rollback()
    lines = gzip.decompress(cdnow.read_bytes()).split(b"\r\n")[:3001]
    part = tmp_path / "cdnow.txt"
    part.write_bytes(b"\r\n".join(lines))
    result, code = run(tenant.slug, part, app, "--shift-to-today")
    assert (code, result["lines"], result["taken"], result["anonymous"]) == (0, 3_000, 3_000, 0)
    assert result["purchases"] == proved.scalar(select(func.count()).select_from(Purchase))
    proved.rollback()
    again, code = run(tenant.slug, part, app, "--shift-to-today")
    assert (code, again["unchanged"], again["taken"]) == (0, 3_000, 0)


def test_a_file_that_cannot_be_read_ends_with_one(app: Flask, tenant: TenantInfo, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")
    result, code = run(tenant.slug, empty, app)
    assert (code, result["lines"], result["taken"]) == (1, 0, 0)
    assert "empty" in result["problem"]
    nonsense = tmp_path / "nonsense.csv"
    nonsense.write_bytes(b"InvoiceNo,InvoiceDate,UnitPrice\n1,never,2\n2,never,3\n")
    result, code = run(tenant.slug, nonsense, app)
    assert code == 1
