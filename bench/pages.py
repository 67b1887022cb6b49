"""`member_page` and `admin_list`: real pages beside an empty Flask page on the same web server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from flask import Flask
from sqlalchemy import event, select

from bench import http
from bench.load import Request
from bench.people import Shop, make_shops
from bench.report import Figure
from bench.stage import Stage, web
from config.extensions import db
from loyalty.members.models import Member
from loyalty.purchases.documents import Line, PurchaseDoc
from loyalty.purchases.services import record_purchases
from tenants.accounts.login import cookie_for
from tenants.accounts.services import create_staff
from tenants.accounts.sessions import start_session
from tenants.scope import tenant_scope


def measure(app: Flask, place: Stage, *, seconds: int, rounds: int) -> list[Figure]:
    """Requests per second with eight clients, with the number of statements of each page."""
    shop = make_shops(1, members=10_000, prefix="pages")[0]
    with tenant_scope(shop.id):
        member_id = _shopping(shop)
        staff_id = create_staff(
            email="bench@pages.example", name="Bench", password="correct horse battery", roles=["manager"]
        )
        db.session.commit()
    member = _signed_in(app, shop, kind="member", subject=member_id, face="portal", path="/")
    staff = _signed_in(app, shop, kind="staff", subject=staff_id, face="admin", path="/admin/members/")
    figures = []
    with web(place) as base, web(place, "bench.empty:create_app") as empty:
        for ident, request in (("member_page", member), ("admin_list", staff)):
            note = f"{_statements(app, request)} statements"
            figures.append(http.pages(base, empty, ident, request, seconds=seconds, rounds=rounds, note=note))
    return figures


def _shopping(shop: Shop) -> UUID:
    now = datetime.now(UTC)
    docs = [
        PurchaseDoc(
            external_id=f"page-{n}",
            occurred_at=now - timedelta(days=7 * n),
            member="1",
            lines=tuple(
                Line(sku=f"SKU-{n}-{i}", quantity=Decimal(1), unit_price=Decimal("12.50"), amount_minor=1250)
                for i in range(3)
            ),
        )
        for n in range(60, 0, -1)
    ]
    record_purchases(docs, source="bench")
    return db.session.scalars(select(Member.id).where(Member.number == "1")).one()


def _signed_in(app: Flask, shop: Shop, *, kind: str, subject: UUID, face: str, path: str) -> Request:
    with tenant_scope(shop.id):
        token = start_session(kind=kind, subject_id=subject, face=face)
        db.session.commit()
    name, value = cookie_for(app, kind=kind, token=token, face=face)
    return Request("GET", f"/t/{shop.slug}{path}", {"Cookie": f"{name}={value}"})


def _statements(app: Flask, request: Request) -> int:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    client = app.test_client(use_cookies=False)
    # In a thread of its own: the bench's app context would remember who asked before.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(client.get, request.path, headers=request.headers).result()
        seen.clear()
        answer = thread.submit(client.get, request.path, headers=request.headers).result()
    event.remove(db.engine, "before_cursor_execute", note)
    assert answer.status_code == 200, answer.status
    return len([statement for statement in seen if not statement.startswith("SET LOCAL")])
