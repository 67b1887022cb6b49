"""The row rules of a file of purchases."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from loyalty.purchases.import_docs import Doc
from loyalty.purchases.import_fields import FIELDS
from loyalty.purchases.import_merge import left_out
from loyalty.purchases.import_rules import stage
from tenants.imports.kinds import Context, Staged
from tenants.imports.mapping import guess
from tenants.imports.readers import first_rows, read, sniff

NOW = datetime(2026, 11, 22, 12)
HEAD = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID"


def staged(*rows: str, head: str = HEAD, **context: object) -> Staged:
    data = "\n".join([head, *rows]).encode()
    form = sniff(data)
    mapping = guess(FIELDS, form.columns, [row.cells for row in first_rows(data, form)])
    given = Context(ZoneInfo("Europe/London"), "GB", "GBP", 2, NOW, **context)
    return stage(read(data, form), columns=form.columns, mapping=mapping, context=given)


def docs(found: Staged) -> list[Doc]:
    return [Doc.of(document.data) for document in found.documents]


def refused(found: Staged) -> list[tuple[int, str, str]]:
    return sorted((refusal.line, refusal.code, refusal.column) for refusal in found.refusals)


def test_identical_lines_both_count() -> None:
    row = "1,A,Lamp,2,2011-10-06 16:20:00,4.15,12923.0"
    (doc,) = docs(staged(row, row))
    assert [(line[0], line[1], line[6]) for line in doc.lines] == [(1, 2, 830), (2, 3, 830)]
    assert (doc.member, doc.form) == ("12923", "p")


def test_lines_without_a_customer_are_sales_to_non_members() -> None:
    found = staged("1,A,Lamp,2,2011-10-06,4.15,", "2,POST,Postage,1,2011-10-07,18.0,7")
    assert [doc.member for doc in docs(found)] == ["", "7"]
    assert found.figures["anonymous"] == 1


def test_a_negative_quantity_or_a_c_number_is_a_return() -> None:
    found = staged(
        "C5,A,Lamp,-2,2011-10-06,4.15,7", "6,A,Lamp,-1,2011-10-07,4.15,7", "CARD1,A,Lamp,1,2011-10-08,4.15,7"
    )
    assert [(doc.key, doc.form, doc.lines[0][4], doc.lines[0][6]) for doc in docs(found)] == [
        ("C5", "r", "2", 830), ("6", "r", "1", 415), ("CARD1", "p", "1", 415),
    ]  # fmt: skip


def test_a_document_with_both_becomes_two_at_the_same_moment() -> None:
    found = docs(staged("1,A,Lamp,2,2011-10-06,4.15,7", "1,B,Pot,-1,2011-10-06,1.00,7"))
    assert [(doc.form, len(doc.lines)) for doc in found] == [("p", 1), ("r", 1)]


def test_the_earliest_of_two_timestamps_holds() -> None:
    (doc,) = docs(staged("1,A,Lamp,1,2011-10-06 16:21:00,1,7", "1,B,Pot,1,2011-10-06 16:20:00,1,7"))
    assert doc.at.isoformat() == "2011-10-06T15:20:00+00:00"


def test_two_customers_in_a_document_are_refused_and_a_blank_takes_the_other() -> None:
    found = staged(
        "1,A,Lamp,1,2011-10-06,1,7", "1,B,Pot,1,2011-10-06,1,8", "2,A,Lamp,1,2011-10-06,1,9", "2,B,Pot,1,2011-10-06,1,"
    )
    assert refused(found) == [(2, "two_members", "CustomerID"), (3, "two_members", "CustomerID")]
    assert [(doc.member, len(doc.lines)) for doc in docs(found)] == [("9", 2)]


def test_what_is_refused_and_why() -> None:
    found = staged(
        "1,A,Lamp,0,2011-10-06,1,7", "2,A,Lamp,many,2011-10-06,1,7", "3,A,Lamp,1,someday,1,7", "4,A,Lamp,1,2999-01-01,1,7",
        ",A,Lamp,1,2011-10-06,1,7", "6,,Lamp,1,2011-10-06,1,7", "7,A,Lamp,1,2011-10-06,,7", "8,A,Lamp,1,,1,7", "9,A,Lamp",
        "10,A,Lamp,1,2011-10-06,0.0,7", "11,A,,1,2011-10-06,1,7",
    )  # fmt: skip
    assert refused(found) == [
        (2, "quantity_zero", "Quantity"), (3, "not_a_number", "Quantity"), (4, "not_a_date", "InvoiceDate"),
        (5, "in_the_future", "InvoiceDate"), (6, "missing", "InvoiceNo"), (7, "missing", "StockCode"),
        (8, "missing", "UnitPrice"), (9, "missing", "InvoiceDate"), (10, "column_count", ""),
    ]  # fmt: skip
    assert [doc.key for doc in docs(found)] == ["10", "11"]
    assert found.lines == 11


def test_without_document_numbers_customer_and_date_make_one() -> None:
    head = "customer_id,date,number_of_cds,dollar_value"
    found = staged("00002,19970112,1,12.00", "00002,19970112,5,77.00", "00002,19970113,5,77.00", head=head)
    assert [(doc.key, [line[6] for line in doc.lines]) for doc in docs(found)] == [
        ("00002-1997-01-12", [1200, 7700]), ("00002-1997-01-13", [7700]),
    ]  # fmt: skip
    assert docs(found)[0].lines[1][5] == "15.4000"


def test_dates_are_moved_by_whole_days_so_that_the_last_is_yesterday() -> None:
    found = staged("1,A,Lamp,1,2011-03-01 10:00:00,1,7", "2,A,Lamp,1,2011-12-09 12:50:00,1,7", shift_to_today=True)
    assert [doc.at.isoformat() for doc in docs(found)] == ["2026-02-11T10:00:00+00:00", "2026-11-21T12:50:00+00:00"]
    assert docs(found)[0].key == "1"
    again = staged("2,A,Lamp,1,2011-12-09,1,7", shift_to_today=True, known_shift=lambda _first, _last: 100)
    assert again.shift_days == 100


def test_another_currency_is_refused() -> None:
    found = staged("1,A,Lamp,1,2011-10-06,1,7,USD", "2,A,Lamp,1,2011-10-06,1,7,gbp", head=f"{HEAD},Currency")
    assert refused(found) == [(2, "other_currency", "Currency")]


def test_lines_left_out_are_told_by_content_and_number() -> None:
    lines = [[n, n, "A", "", "2", "1", 200, ""] for n in (1, 2, 3)] + [[4, 4, "B", "", "1", "1", 100, ""]]
    (doc,) = docs(staged("1,A,Lamp,2,2011-10-06,1.00,7"))
    content = (doc.lines[0][2], Decimal(doc.lines[0][4]), doc.lines[0][6])
    extra, missing = left_out(lines, [content, content])
    assert [line[0] for line in extra] == [3, 4]
    assert not missing
    assert left_out(lines[:1], [content, content]) == ([], True)
