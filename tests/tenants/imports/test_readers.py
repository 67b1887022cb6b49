"""Files of every shape, and rows that are broken in every way."""

from __future__ import annotations

import gzip
import io
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from tenants.imports.readers import Format, Unreadable, first_rows, read, sniff

HEAD = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
GOOD = '5369%02d,%d,"LANTERN, WHITE",2,2011-10-06 16:20:00,4.15,12923.0,United Kingdom'
BROKEN = {
    b"1,2,3": "column_count",
    b'536901,"85123A,LANTERN,2,2011-10-06 16:20:00,4.15,12923.0,UK': "quoting",
    b'536902,85123A,"LANTERN"X,2,2011-10-06 16:20:00,4.15,12923.0,UK': "quoting",
    b"536903,85123A,LAN\0TERN,2,2011-10-06 16:20:00,4.15,12923.0,UK": "nul",
    b"536904,85123A,LAN\xff\xfeTERN,2,2011-10-06 16:20:00,4.15,12923.0,UK": "encoding",
    b"a,b,c,d,e,f,g,h,i": "column_count",
}


def rows_of(data: bytes) -> list[list[str]]:
    return [row.cells for row in read(data, sniff(data)) if row.problem is None]


def test_broken_rows_are_marked_and_their_neighbours_stay_whole() -> None:
    lines = [HEAD.encode()]
    for number, bad in enumerate(BROKEN):
        lines += [(GOOD % (number, number)).encode()] * 3 + [bad]
    lines += [(GOOD % (99, 1)).encode()] * 3
    data = b"\n".join(lines)
    rows = list(read(data, sniff(data)))
    assert [row.problem.code for row in rows if row.problem] == list(BROKEN.values())
    assert [row.line for row in rows if row.problem] == [5, 9, 13, 17, 21, 25]
    assert sum(1 for row in rows if row.problem is None) == 3 * (len(BROKEN) + 1)


def test_a_quoted_cell_may_run_over_lines() -> None:
    data = b'a,b,c\n1,"two\nlines",3\n4,5,6\n'
    assert rows_of(data) == [["1", "two\nlines", "3"], ["4", "5", "6"]]


def test_a_forgotten_quote_at_the_end_costs_one_row() -> None:
    rows = list(read(b'a,b,c\n1,2,3\n4,"5,6\n7,8,9', sniff(b'a,b,c\n1,2,3\n4,"5,6\n7,8,9')))
    assert [(row.line, row.problem and row.problem.code) for row in rows] == [(2, None), (3, "quoting"), (4, None)]


CHINESE = (
    "订单号{d}会员号{d}商品{d}数量{d}日期\n1{d}王芳{d}苹果{d}1{d}2024年1月2日\n2{d}李娜{d}雪梨{d}2{d}2024年1月3日\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_delimiters(encoding: str, delimiter: str) -> None:
    data = CHINESE.format(d=delimiter).encode(encoding)
    assert sniff(data).columns == ("订单号", "会员号", "商品", "数量", "日期")
    assert rows_of(data)[1] == ["2", "李娜", "雪梨", "2", "2024年1月3日"]


def test_traditional_chinese_without_unicode() -> None:
    data = "訂單編號,會員號,商品\n1,王小明,蘋果汁\n2,陳淑芬,電風扇\n".encode("big5")
    assert rows_of(data) == [["1", "王小明", "蘋果汁"], ["2", "陳淑芬", "電風扇"]]


def test_western_text_without_unicode() -> None:
    data = "name,price\nCafé crème,£4\nPlain,5\n".encode("cp1252")
    assert rows_of(data)[0] == ["Café crème", "£4"]


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_line_ends_and_packing(ends: str) -> None:
    data = gzip.compress(ends.join(["a,b", "1,2", "", "3,4", ""]).encode())
    assert rows_of(data) == [["1", "2"], ["3", "4"]]


def test_fixed_width_with_a_header_that_stands_askew() -> None:
    data = (
        b" customer_id  date number_of_cds  dollar_value\r\n"
        b" 00001 19970101  1   11.77\r\n 00002 19970112  1   12.00\r\n 00002 19970112 15  177.00\r\n"
    )
    form = sniff(data)
    assert (form.shape, form.columns) == ("columns", ("customer_id", "date", "number_of_cds", "dollar_value"))
    assert rows_of(data)[2] == ["00002", "19970112", "15", "177.00"]


def test_fixed_width_with_blanks_inside_cells() -> None:
    data = b"no     name          total\n10001  Anna Maria     12.50\n10002  Bob             3.00\n10003  Cy B Dee      100.00\n"
    assert rows_of(data) == [
        ["10001", "Anna Maria", "12.50"],
        ["10002", "Bob", "3.00"],
        ["10003", "Cy B Dee", "100.00"],
    ]


def workbook(*rows: list[object]) -> bytes:
    book, target = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(target)
    return target.getvalue()


def test_workbook() -> None:
    data = workbook(
        ["Sales report"], ["Order", "Member", "When", "Price"],
        [1, 12923.0, datetime(2024, 1, 2, 3, 4, 5), 1.15], [2, "x", None, "#N/A"], [3, None, None, 2],
    )  # fmt: skip
    form = sniff(data)
    assert (form.shape, form.header_line, form.columns) == ("workbook", 2, ("Order", "Member", "When", "Price"))
    rows = list(read(data, form))
    assert rows[0].cells == ["1", "12923", "2024-01-02 03:04:05", "1.15"]
    assert rows[1].problem is not None and rows[1].problem.code == "formula"
    assert rows[2].cells == ["3", "", "", "2"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"), (b"  \n ", "empty"), (b"PK\x03\x04nonsense", "broken_workbook"), (b"\x1f\x8bnonsense", "broken_archive"),
        (b"\xd0\xcf\x11\xe0old", "old_excel"), (b"%PDF-1.7", "no_table"), (bytes(range(256)) * 20, "no_table"),
    ],
)  # fmt: skip
def test_files_that_are_no_tables_say_so(data: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as refused:
        sniff(data)
    assert refused.value.code == code


def test_without_a_header_the_columns_are_numbered() -> None:
    form = sniff(b"1,2024-01-01,3.50\n2,2024-01-02,4.50\n")
    assert (form.header_line, form.columns) == (0, ("Column 1", "Column 2", "Column 3"))
    assert len(first_rows(b"1,2024-01-01,3.50\n2,2024-01-02,4.50\n", form)) == 2


def test_format_survives_json() -> None:
    form = sniff(HEAD.encode() + b"\n" + (GOOD % (1, 1)).encode())
    assert Format.from_dict(form.as_dict()) == form


@given(st.binary(max_size=400))
def test_no_bytes_whatsoever_stop_a_reader(data: bytes) -> None:
    try:
        form = sniff(data)
    except Unreadable:
        return
    for row in read(data, form):
        assert row.line > 0


@given(st.lists(st.binary(max_size=60).filter(lambda line: b"\n" not in line and b"\r" not in line), max_size=8))
def test_no_junk_between_rows_costs_a_good_row(junk: list[bytes]) -> None:
    good = [(GOOD % (number, number)).encode() for number in range(60)]
    lines = list(good)
    for place, line in enumerate(junk):
        # Only the row right after an open quote may be taken for the rest of its cell.
        lines.insert(7 * (place + 1), line.replace(b"\0", b""))
    data = b"\n".join([HEAD.encode(), *lines])
    form = Format("delimited", tuple(HEAD.split(",")))
    taken = [row.cells[0] for row in read(data, form) if row.problem is None]
    assert [number for number in taken if number.startswith("5369")] == [f"5369{number:02d}" for number in range(60)]
