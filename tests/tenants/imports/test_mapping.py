"""Columns are recognised by their names and contents."""

from __future__ import annotations

import pytest

from loyalty.members.import_fields import FIELDS as CONTACTS
from loyalty.purchases.import_fields import FIELDS as PURCHASES
from tenants.imports.mapping import MARKS, Mapping, guess, signature


@pytest.mark.parametrize(
    ("columns", "row", "expected"),
    [
        (
            ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"],
            ["536365", "85123A", "LANTERN", "6", "2010-12-01 08:26:00", "2.55", "17850.0", "UK"],
            {"document": "InvoiceNo", "sku": "StockCode", "description": "Description", "quantity": "Quantity",
             "at": "InvoiceDate", "price": "UnitPrice", "member": "CustomerID"},
        ),
        (
            ["customer_id", "date", "number_of_cds", "dollar_value"], ["00001", "19970101", "1", "11.77"],
            {"member": "customer_id", "at": "date", "quantity": "number_of_cds", "amount": "dollar_value"},
        ),
        (
            ["订单号", "会员号", "商品", "数量", "单价", "日期"], ["A1", "1001", "苹果", "2", "3.50", "2024年1月2日"],
            {"document": "订单号", "member": "会员号", "description": "商品", "quantity": "数量", "price": "单价", "at": "日期"},
        ),
        (
            ["交易時間", "金額", "會員卡號", "門市"], ["2024/01/02 10:00", "120", "88", "台北"],
            {"at": "交易時間", "amount": "金額", "member": "會員卡號", "place": "門市"},
        ),
    ],
)  # fmt: skip
def test_purchases(columns: list[str], row: list[str], expected: dict[str, str]) -> None:
    assert guess(PURCHASES, columns, [row]).columns == expected


def test_contacts() -> None:
    columns = ["CustomerID", "Name", "Email", "Mobile", "Birthday", "Language", "EmailConsent", "SmsMarketing"]
    row = ["1", "Ada", "ada@mail.example", "+1 201 555 0123", "1990-05-04", "en", "yes", "no"]
    found = guess(CONTACTS, columns, [row])
    assert found.columns["phone"] == "Mobile"
    assert found.columns["marketing_sms"] == "SmsMarketing"
    assert not found.missing(CONTACTS, columns)


def test_values_must_fit_the_field() -> None:
    found = guess(PURCHASES, ["Date", "Quantity"], [["yesterday", "many"], ["soon", "few"]])
    assert found.columns == {}
    assert [item.key for item in found.missing(PURCHASES, ["Date", "Quantity"])] == ["at"]


def test_doubtful_dates_are_told() -> None:
    found = guess(PURCHASES, ["Order", "Date"], [["1", "01/02/2024"]])
    assert (found.date_order, found.notes["date_also"]) == ("dmy", ["mdy"])
    assert guess(PURCHASES, ["Order", "Date"], [["1", "01/02/2024"]], prefer="mdy").date_order == "mdy"


def test_a_signature_ignores_case_and_the_columns_of_refused_rows() -> None:
    columns = ["Invoice No", "Date"]
    assert signature("purchases", columns) == signature("purchases", ["invoice_no", "DATE", *MARKS])
    assert signature("purchases", columns) != signature("contacts", columns)


def test_a_mapping_survives_json() -> None:
    mapping = Mapping({"at": "Date"}, "dmy", ",", {"date_also": ["mdy"]})
    assert Mapping.from_dict(mapping.as_dict()) == mapping
    assert Mapping.from_dict({"columns": {}, "date_order": "nonsense"}).date_order == "ymd"
