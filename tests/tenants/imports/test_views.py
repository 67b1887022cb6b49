"""The screens of an import, as a manager walks through them."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tenants.info import TenantInfo

HEAD = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID\n"
ROWS = "".join(f"{n},A,Lamp,2,2026-0{n % 3 + 1}-05 10:00:00,4.15,50{n % 4}\n" for n in range(1, 13))
BAD = "13,A,Lamp,0,2026-01-05 10:00:00,4.15,501\nC14,Q,Cup,-1,2026-03-05 10:00:00,4.15,501\n"


@pytest.fixture
def work(app: Flask, tenant: TenantInfo) -> Callable[[], int]:
    """Run the jobs that are owed in this tenant, as a worker would; how many."""

    def run() -> int:
        from sqlalchemy import select

        from config.extensions import db
        from tenants.jobs import run_task
        from tenants.scope import tenant_scope
        from tenants.tasks import Task

        count = 0
        while True:
            with app.app_context(), tenant_scope(tenant.id):
                query = (
                    select(Task.id).where(Task.done_at.is_(None), Task.parked_at.is_(None)).order_by(Task.created_at)
                )
                owed = db.session.scalars(query).all()
            if not owed:
                return count
            for task_id in owed:
                with app.app_context():
                    run_task(str(tenant.id), str(task_id))
                count += 1

    return run


@pytest.fixture
def manager(staff_client: Callable[..., FlaskClient]) -> FlaskClient:
    return staff_client("manager")


def upload(client: FlaskClient, data: bytes, *, kind: str = "purchases", name: str = "sales.csv") -> Any:
    return client.post("/admin/imports/new", data={"kind": kind, "file": (io.BytesIO(data), name)})


def import_id(answer: Any) -> UUID:
    found = re.search(r"/admin/imports/([0-9a-f-]{36})", answer.headers["Location"])
    assert found
    return UUID(found[1])


def mapping_form(client: FlaskClient, ident: UUID) -> dict[str, str]:
    """What the mapping form holds when it is opened."""
    text = client.get(f"/admin/imports/{ident}/mapping").get_data(as_text=True)
    form: dict[str, str] = {}
    for name, body in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', text, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', body)
        form[name] = chosen[1] if chosen else ""
    form["source"] = "import"
    for name in re.findall(r'<input[^>]*type="checkbox"[^>]*name="([^"]+)"[^>]*checked', text):
        form[name] = "1"
    return form


def bring(client: FlaskClient, work: Callable[[], int], data: bytes, **more: str) -> UUID:
    ident = import_id(upload(client, data))
    answer = client.post(f"/admin/imports/{ident}/mapping", data=mapping_form(client, ident) | more)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    work()
    return ident


def text_of(client: FlaskClient, ident: UUID) -> str:
    return str(client.get(f"/admin/imports/{ident}").get_data(as_text=True))


def test_from_upload_to_result_and_back(manager: FlaskClient, work: Callable[[], int]) -> None:
    assert "Nothing has been imported yet" in manager.get("/admin/imports/").get_data(as_text=True)
    ident = import_id(upload(manager, (HEAD + ROWS + BAD).encode()))
    form = mapping_form(manager, ident)
    assert form["column_document"] == "InvoiceNo"
    assert form["column_at"] == "InvoiceDate"
    assert form["date_order"] == "ymd"
    assert manager.post(f"/admin/imports/{ident}/mapping", data=form).status_code == 303
    checking = text_of(manager, ident)
    assert "The file is being checked" in checking
    work()
    preview = text_of(manager, ident)
    assert "Start the import" in preview
    assert "The quantity is 0." in preview
    assert 'data-chart="import-months"' in preview
    assert manager.post(f"/admin/imports/{ident}/start").status_code == 303
    assert "<progress" in text_of(manager, ident)
    assert work() >= 1
    result = text_of(manager, ident)
    assert "Undo this import" in result
    assert "Returned lines without original" in result
    refused = manager.get(f"/admin/imports/{ident}/refused.csv")
    assert refused.get_data(as_text=True).splitlines()[1].startswith("13,A,Lamp,0,2026-01-05 10:00:00,4.15,501,")
    assert "attachment" in refused.headers["Content-Disposition"]
    assert manager.post(f"/admin/imports/{ident}/undo").status_code == 303
    work()
    assert "This import was undone" in text_of(manager, ident)
    assert manager.get("/admin/imports/").status_code == 200


def test_the_mapping_is_saved_and_used_again(manager: FlaskClient, work: Callable[[], int]) -> None:
    bring(manager, work, (HEAD + ROWS).encode(), column_description="", date_order="ymd")
    second = import_id(upload(manager, (HEAD + ROWS).encode()))
    form = mapping_form(manager, second)
    assert form["column_description"] == ""
    assert form["column_document"] == "InvoiceNo"
    page = manager.get(f"/admin/imports/{second}/mapping").get_data(as_text=True)
    assert "what you chose then is used again" in page


def test_doubtful_dates_are_asked_about(manager: FlaskClient) -> None:
    ident = import_id(upload(manager, b"Order,Date,Amount\n1,01/02/2026,3.00\n2,03/04/2026,4.00\n"))
    page = manager.get(f"/admin/imports/{ident}/mapping").get_data(as_text=True)
    assert "can be read in more than one way" in page


def test_a_needed_column_must_be_chosen_and_no_column_twice(manager: FlaskClient) -> None:
    ident = import_id(upload(manager, (HEAD + ROWS).encode()))
    form = mapping_form(manager, ident)
    assert manager.post(f"/admin/imports/{ident}/mapping", data=form | {"column_at": ""}).status_code == 422
    twice = manager.post(f"/admin/imports/{ident}/mapping", data=form | {"column_sku": "InvoiceNo"})
    assert twice.status_code == 422
    assert "This column is used twice." in twice.get_data(as_text=True)


def test_a_file_that_cannot_be_read_says_why(manager: FlaskClient) -> None:
    for data, sentence in (
        (b"", "empty"),
        (b"PK\x03\x04xx", "workbook"),
        (b"a,b\n", "no rows"),
        (b"%PDF-1.7 ...", "not a table"),
    ):
        answer = upload(manager, data)
        assert answer.status_code == 422
        assert sentence in answer.get_data(as_text=True)


def test_the_character_set_can_be_changed(manager: FlaskClient) -> None:
    ident = import_id(upload(manager, "訂單,日期,商品\n1,2026-01-01,蘋果\n".encode("big5")))
    manager.post(f"/admin/imports/{ident}/reread", data={"encoding": "big5", "header": "1"})
    assert manager.get(f"/admin/imports/{ident}/mapping").status_code == 200
    bad = manager.post(f"/admin/imports/{ident}/reread", data={"encoding": "klingon"})
    assert bad.status_code == 303


def test_cancel_and_the_progress_fragment(manager: FlaskClient, work: Callable[[], int]) -> None:
    ident = bring(manager, work, (HEAD + ROWS).encode())
    manager.post(f"/admin/imports/{ident}/start")
    fragment = manager.get(f"/admin/imports/{ident}/progress", headers={"HX-Request": "true"})
    assert fragment.get_data(as_text=True).lstrip().startswith("<div")
    assert manager.post(f"/admin/imports/{ident}/cancel").status_code == 303
    work()
    assert "The import was stopped after 0 of 12 lines" in text_of(manager, ident)
    ended = manager.get(f"/admin/imports/{ident}/progress", headers={"HX-Request": "true"})
    assert ended.headers["HX-Redirect"].endswith(f"/admin/imports/{ident}")
    assert manager.post(f"/admin/imports/{ident}/start").status_code == 409


def test_the_same_file_again_says_so(manager: FlaskClient, work: Callable[[], int]) -> None:
    first = bring(manager, work, (HEAD + ROWS).encode())
    manager.post(f"/admin/imports/{first}/start")
    work()
    again = bring(manager, work, (HEAD + ROWS).encode())
    page = text_of(manager, again)
    assert "The same file was brought in" in page
    assert "starting it changes nothing" in page
    manager.post(f"/admin/imports/{again}/start")
    work()
    assert "Nothing was changed" in text_of(manager, again)


def test_an_upload_can_be_deleted_until_it_is_started(manager: FlaskClient, work: Callable[[], int]) -> None:
    ident = bring(manager, work, (HEAD + ROWS).encode())
    assert manager.post(f"/admin/imports/{ident}/forget").status_code == 303
    assert manager.get(f"/admin/imports/{ident}").status_code == 404
    other = bring(manager, work, (HEAD + ROWS).encode())
    manager.post(f"/admin/imports/{other}/start")
    assert manager.post(f"/admin/imports/{other}/forget").status_code == 409


def test_contacts_come_in_by_the_same_screens(manager: FlaskClient, work: Callable[[], int]) -> None:
    data = b"CustomerID,Name,Email,EmailConsent\n501,Ada Byron,ada@mail.example,yes\n502,Bob,not an address,no\n"
    ident = import_id(upload(manager, data, kind="contacts"))
    manager.post(f"/admin/imports/{ident}/mapping", data=mapping_form(manager, ident))
    work()
    assert "is not an e-mail address" in text_of(manager, ident)
    manager.post(f"/admin/imports/{ident}/start")
    work()
    assert "E-mail addresses set" in text_of(manager, ident)


@pytest.fixture
def foreign(other_tenant: TenantInfo, staff_client: Callable[..., FlaskClient]) -> FlaskClient:
    return staff_client("manager", where=other_tenant)


def test_another_tenant_sees_nothing(manager: FlaskClient, foreign: FlaskClient) -> None:
    ident = import_id(upload(manager, (HEAD + ROWS).encode()))
    for path in ("", "/mapping", "/progress", "/refused.csv", "/findings.csv"):
        assert foreign.get(f"/admin/imports/{ident}{path}").status_code == 404
    for verb in ("start", "cancel", "undo", "forget", "resume", "reread"):
        assert foreign.post(f"/admin/imports/{ident}/{verb}", data={"encoding": "utf-8"}).status_code == 404
    assert manager.get(f"/admin/imports/{ident}").status_code == 200


def test_roles(staff_client: Callable[..., FlaskClient]) -> None:
    analyst, cashier = staff_client("analyst"), staff_client("cashier")
    assert analyst.get("/admin/imports/").status_code == 200
    assert analyst.get("/admin/imports/new").status_code == 403
    assert cashier.get("/admin/imports/").status_code == 403
