"""Files of purchases, from their bytes to members, points and refused rows, and back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

HEAD = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID"
ROWS = [
    "1001,A,Lamp,2,2026-01-05 10:00:00,4.15,501.0",
    "1001,A,Lamp,2,2026-01-05 10:00:00,4.15,501.0",
    "1001,B,Pot ,1,2026-01-05 10:01:00,10.00,501.0",
    "1002,POST,POSTAGE,1,2026-01-06 11:00:00,18.0,502.0",
    "1003,A,Lamp,1,2026-01-07 12:00:00,4.15,",
    "C1004,B,Pot,-1,2026-01-08 12:00:00,10.00,501.0",
    "C1005,Z,Never sold,-3,2026-01-08 13:00:00,5.00,502.0",
    "1006,A,Lamp,5,2026-01-09 12:00:00,0.0,503.0",
]
REFUSED = [
    "1007,A,Lamp,0,2026-01-09 12:00:00,1.00,503.0",
    "1008,A,Lamp,1,never,1.00,503.0",
    "1009,A,Lamp",
    '1010,A,"Lamp,1,2026-01-09 12:00:00,1.00,503.0',
]


def made(*rows: str) -> bytes:
    return "\n".join([HEAD, *rows]).encode()


@pytest.fixture
def ledger(ledger_scope: Session) -> Iterator[Session]:
    """The scope in which an import runs, proved afterwards."""
    ledger_scope.rollback()
    yield ledger_scope
    ledger_scope.rollback()


def bring(data: bytes, *, name: str = "sales.csv", **options: Any) -> dict[str, Any]:
    from tenants.imports import chunks, runner

    return chunks.summary(runner.run("purchases", name=name, data=data, plan=runner.Plan(options=options)))


def balances() -> dict[str, int]:
    from config.extensions import db
    from loyalty.members.models import Member
    from loyalty.points.models import PointAccount

    query = select(Member.number, PointAccount.balance).join(PointAccount, PointAccount.member_id == Member.id)
    found = {number: int(balance) for number, balance in db.session.execute(query)}
    db.session.rollback()
    return found


def figures(result: dict[str, Any], *names: str) -> tuple[int, ...]:
    return tuple(result[name] for name in names)


def test_every_line_is_counted_once(ledger: Session) -> None:
    result = bring(made(*ROWS, *REFUSED))
    assert figures(result, "lines", "taken", "unchanged", "rejected") == (12, 8, 0, 4)
    assert figures(result, "anonymous", "purchases", "refunds", "refunds_without_original", "members") == (
        1,
        4,
        2,
        1,
        3,
    )
    # A point a pound: 26 of 26.60, 18, nothing for nothing; the pot that came back had earned 10.
    assert figures(result, "points_awarded", "points_reversed") == (44, 10)
    assert result["status"] == "done"


def test_products_are_made_and_keep_their_names(ledger: Session) -> None:
    from tenants.catalogue.models import Product

    bring(made(*ROWS))
    bring(made("2001,A,Another name,1,2026-02-05 10:00:00,4.15,501.0"))
    names = dict(ledger.execute(select(Product.sku, Product.name)).all())
    assert names == {"A": "Lamp", "B": "Pot", "POST": "POSTAGE", "Z": "Never sold"}


def test_the_same_file_again_changes_nothing(ledger: Session) -> None:
    first = bring(made(*ROWS))
    before = balances()
    again = bring(made(*ROWS))
    assert figures(first, "taken", "unchanged") == (8, 0)
    assert figures(again, "lines", "taken", "unchanged", "rejected", "members") == (8, 0, 8, 0, 0)
    assert figures(again, "points_awarded", "points_reversed", "purchases", "refunds") == (0, 0, 0, 0)
    assert balances() == before


def test_moved_dates_stay_where_an_earlier_import_put_them(ledger: Session, time_machine_days: Any) -> None:
    first = bring(made(*ROWS), shift_to_today=True)
    with time_machine_days(1):
        again = bring(made(*ROWS), shift_to_today=True)
        part = bring(made(ROWS[0], ROWS[1], ROWS[2]), shift_to_today=True)
    assert first["shift_days"] == again["shift_days"] == part["shift_days"] > 0
    assert figures(again, "taken", "unchanged") == (0, 8)
    assert figures(part, "taken", "unchanged", "rejected") == (0, 3, 0)


@pytest.fixture
def time_machine_days() -> Any:
    import contextlib
    from datetime import UTC, datetime, timedelta

    import time_machine

    @contextlib.contextmanager
    def days(count: int) -> Iterator[None]:
        with time_machine.travel(datetime.now(UTC) + timedelta(days=count), tick=True):
            yield

    return days


def test_broken_rows_come_back_and_are_taken_once_when_mended(ledger: Session) -> None:
    from tenants.imports import queries
    from tenants.imports.models import Import

    whole = made(*ROWS)
    broken = [*ROWS]
    broken[1] = broken[1].replace("2026-01-05 10:00:00", "the fifth")  # one of two identical lines
    broken[3] = broken[3].replace(",1,", ",one,")
    first = bring(made(*broken))
    assert figures(first, "taken", "rejected") == (6, 2)

    found = ledger.scalars(select(Import)).one()
    head, rows = queries.refused_table(found)
    table = list(rows)
    assert head[-3:] == ["perennial_row", "perennial_column", "perennial_reason"]
    assert [row[-2] for row in table] == ["InvoiceDate", "Quantity"]
    assert "the fifth" in table[0][-1]
    ledger.rollback()

    mended = [
        [
            cell.replace("the fifth", "2026-01-05 10:00:00").replace("one", "1") if i < 7 else cell
            for i, cell in enumerate(row)
        ]
        for row in table
    ]
    target = io.StringIO()
    csv.writer(target).writerows([head, *mended])
    taken = bring(target.getvalue().encode())
    assert figures(taken, "taken", "unchanged", "rejected", "purchases") == (2, 0, 0, 2)
    once_more = bring(target.getvalue().encode() + b"\n")
    assert figures(once_more, "taken", "unchanged", "rejected") == (0, 2, 0)
    everything = bring(whole)
    assert figures(everything, "taken", "unchanged", "rejected") == (0, 8, 0)


def test_a_mended_original_brings_what_was_refused(ledger: Session) -> None:
    broken = [*ROWS]
    broken[1] = broken[1].replace(",2,", ",two,")
    bring(made(*broken))
    result = bring(made(*ROWS))
    assert figures(result, "taken", "unchanged", "rejected") == (1, 7, 0)
    assert figures(bring(made(*ROWS) + b"\n"), "taken", "unchanged", "rejected") == (0, 8, 0)


def test_a_broken_copy_of_what_is_known_changes_nothing(ledger: Session) -> None:
    bring(made(*ROWS))
    before = balances()
    broken = [row.replace(",A,Lamp,2,", ",A,Lamp,two,", 1) if i == 1 else row for i, row in enumerate(ROWS)]
    result = bring(made(*broken))
    assert figures(result, "taken", "unchanged", "rejected") == (0, 7, 1)
    assert balances() == before


def test_a_changed_document_is_refused_and_changes_nothing(ledger: Session) -> None:
    bring(made(*ROWS))
    before = balances()
    other_price = bring(made(ROWS[0].replace("4.15", "9.99"), *ROWS[1:3]))
    other_member = bring(made(*[row.replace("501.0", "777") for row in ROWS[:3]]))
    more = bring(made(*ROWS[:3], "1001,C,Cup,1,2026-01-05 10:01:00,3.00,501.0"))
    assert figures(other_price, "taken", "unchanged", "rejected") == (0, 2, 1)
    assert figures(other_member, "taken", "unchanged", "rejected") == (0, 0, 3)
    assert figures(more, "taken", "unchanged", "rejected") == (0, 3, 1)
    assert {number: points for number, points in balances().items() if number != "777"} == before


def test_undone_and_imported_again_the_balances_are_equal(ledger: Session) -> None:
    from tenants.imports import runner
    from tenants.imports.models import Import

    bring(made(*ROWS))
    before = balances()
    import_id = ledger.scalar(select(Import.id))
    ledger.rollback()
    assert import_id is not None
    assert runner.undo(import_id).status == "undone"
    ledger.rollback()
    assert set(balances().values()) <= {0}
    again = bring(made(*ROWS))
    assert figures(again, "taken", "unchanged") == (8, 0)
    assert balances() == before


def many(count: int) -> bytes:
    rows = [
        f"{5000 + n},S{n % 40},Thing,{n % 3 + 1},2026-01-{n % 27 + 1:02d} 10:00:00,2.50,{700 + n % 50}"
        for n in range(count)
    ]
    return made(*rows)


class Killed(BaseException):
    """Stands for the power going."""


def test_killed_in_the_middle_it_goes_on_where_it_stood(ledger: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    from tenants.imports import runner, staging
    from tenants.imports.models import Import

    monkeypatch.setattr(staging.cut, "__kwdefaults__", {"lines": 100})
    seen: list[int] = []

    def die(done: int, _all: int) -> None:
        seen.append(done)
        if done >= 300:
            raise Killed

    data = many(1000)
    with pytest.raises(Killed):
        runner.run("purchases", name="big.csv", data=data, plan=runner.Plan(), watch=die)
    ledger.rollback()
    half = ledger.scalars(select(Import)).one()
    assert (half.status, half.counts["taken"], half.next_chunk, half.chunks) == ("running", 300, 3, 10)
    ledger.rollback()
    result = bring(data, name="big.csv")
    assert figures(result, "lines", "taken", "unchanged", "purchases") == (1000, 1000, 0, 1000)
    assert ledger.scalar(select(func.count()).select_from(Import)) == 1


def test_a_chunk_taken_twice_counts_once(ledger: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    from tenants.imports import chunks, runner, services, staging

    monkeypatch.setattr(staging.cut, "__kwdefaults__", {"lines": 100})
    found = runner.prepare("purchases", name="big.csv", data=many(250), plan=runner.Plan())
    services.start(found.id)
    import_id = found.id
    ledger.commit()
    for no in (0, 0, 1, 0, 2, 2):
        chunks.take_chunk(import_id, no)
        ledger.commit()
    found = chunks.take_chunk(import_id, 2)
    assert (found.status, found.counts["taken"], found.counts["purchases"]) == ("done", 250, 250)


def test_cancelled_it_keeps_what_was_taken(ledger: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    from tenants.imports import chunks, runner, services, staging

    monkeypatch.setattr(staging.cut, "__kwdefaults__", {"lines": 100})
    data = many(1000)
    found = runner.prepare("purchases", name="big.csv", data=data, plan=runner.Plan())
    services.start(found.id)
    import_id = found.id
    ledger.commit()
    chunks.take_chunk(import_id, 0)
    ledger.commit()
    services.cancel(import_id)
    ledger.commit()
    stopped = chunks.take_chunk(import_id, 1)
    assert (stopped.status, stopped.lines_done, chunks.summary(stopped)["lines_left"]) == ("cancelled", 100, 900)
    ledger.commit()
    rest = bring(data)
    assert figures(rest, "taken", "unchanged") == (900, 100)


def test_unknown_customers_may_be_refused(ledger: Session) -> None:
    result = bring(made(*ROWS), create_members=False)
    assert figures(result, "taken", "rejected", "members", "anonymous") == (1, 7, 0, 1)


def test_nothing_to_read_says_so(ledger: Session) -> None:
    from tenants.errors import Malformed

    for data in (b"", HEAD.encode(), b"PK\x03\x04", b"colour,size\nred,5\nblue,7\n"):
        with pytest.raises(Malformed):
            bring(data)
        ledger.rollback()


def test_the_preview_says_what_will_happen(ledger: Session) -> None:
    from tenants.imports import runner

    bring(made(*ROWS[:3]))
    found = runner.prepare("purchases", name="sales.csv", data=made(*ROWS, *REFUSED), plan=runner.Plan(), preview=True)
    seen = found.preview
    assert (seen["taken"], seen["unchanged"], seen["members"], seen["anonymous"]) == (5, 3, 2, 1)
    assert (seen["refunds"], seen["refunds_matched"]) == (2, 1)
    assert [month for month, _total in seen["months"]] == ["2026-01"]
    assert found.counts["rejected"] == 4
    ledger.rollback()
