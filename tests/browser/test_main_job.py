"""The main job as people do it: a manager brings a file in and watches it, a member sees the card on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import PHONE, TILL
from tests.journeys.house import House, code_in, house

__all__ = ["house"]

PASSWORD = "correct horse battery"  # of made-up people
Axe = Callable[[Page], list[str]]


@pytest.fixture
def place(house: House, app, tenant) -> str:
    """The tenant's address, with an owner and a cashier who can sign in."""
    from config.extensions import db
    from tenants.accounts.services import create_staff
    from tenants.scope import tenant_scope

    with app.app_context(), tenant_scope(tenant.id):
        for role in ("owner", "cashier"):
            create_staff(email=f"{role}@{tenant.slug}.example", name=role.title(), password=PASSWORD, roles=[role])
        db.session.commit()
    return f"{house.base}/t/{tenant.slug}"


def sign_in(page: Page, place: str, role: str, door: str = "/admin/signin") -> None:
    page.goto(place + door)
    page.get_by_label("E-mail").fill(f"{role}@{place.rsplit('/', 1)[-1]}.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/signin" not in url)


def bring(page: Page, place: str, axe: Axe, *, kind: str, name: str, text: str) -> None:
    """Upload, look at the columns, check, start, and wait for the end."""
    page.goto(f"{place}/admin/imports/new")
    page.get_by_label("What the file holds").select_option(kind)
    page.get_by_label("File", exact=True).set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
    )
    page.get_by_role("button", name="Upload and look at it").click()
    expect(page.get_by_role("heading", name="Which column is what")).to_be_visible()
    assert axe(page) == []
    page.get_by_role("button", name="Check the file").click()
    start = page.get_by_role("button", name="Start the import")
    expect(start).to_be_visible(timeout=60_000)
    assert axe(page) == []
    start.click()
    # The bar moves by itself and gives way to the result; nobody reloads.
    expect(page.get_by_text("Done", exact=False).first).to_be_visible(timeout=90_000)
    assert axe(page) == []


def sales_file(today) -> str:
    head = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID\n"
    rows = [
        f"{581000 + n},8512{n % 9}A,LANTERN {n % 9},2,{today - timedelta(days=1 + n % 200)} 10:{n % 60:02}:00,4.15,{14000 + n % 40}.0\n"
        for n in range(400)
    ]
    return head + "".join(rows) + f"589999,85123A,LANTERN,0,{today} 10:00:00,4.15,14001\n"


def test_a_file_comes_in_and_a_member_sees_the_card(
    house: House, place: str, tenant, open_page: Callable[..., Page], axe: Axe
) -> None:
    from tenants.formats import local_day_in, now

    office = open_page()
    sign_in(office, place, "owner")
    assert axe(office) == []
    email = f"ada@{tenant.slug}.example"
    contacts = f"CustomerID,Name,Email,EmailConsent\n14001,Ada Lovelace,{email},yes\n14002,王小明,,no\n"
    bring(office, place, axe, kind="contacts", name="contacts.csv", text=contacts)
    bring(office, place, axe, kind="purchases", name="sales.csv", text=sales_file(local_day_in(now(), tenant.zone)))
    expect(office.get_by_role("cell", name="The quantity is 0.").first).to_be_visible()

    # Search as one types, with the address to share; the row leads to the member.
    office.goto(f"{place}/admin/members/")
    office.get_by_role("searchbox").press_sequentially("lovelace", delay=30)
    expect(office.locator("tbody tr")).to_have_count(1)
    expect(office).to_have_url(re.compile(r"\?q=lovelace"))
    office.locator("tbody tr").first.click()
    expect(office.get_by_role("heading", name="Ada Lovelace", level=1)).to_be_visible()
    assert axe(office) == []

    # The phone: a code by mail, the card, the points, the tier and why.
    phone = open_page(size=PHONE)
    phone.goto(f"{place}/")
    phone.locator("main input:not([type=hidden])").first.fill(email)
    phone.get_by_role("button", name="Send me a code").click()
    phone.locator("[name=code]").fill(code_in(house.letter(email, subject="ode")))
    phone.get_by_role("button", name="Sign in").click()
    expect(phone.locator(".pn-vip")).to_contain_text("Ada Lovelace")
    box = phone.locator(".pn-vip").bounding_box()
    assert box is not None
    assert abs(box["width"] / box["height"] - 1.586) < 0.01
    assert axe(phone) == []
    for link, words in (("Points", "My points"), ("History", "My purchases"), ("Me", "Me")):
        phone.get_by_role("navigation", name="Main").get_by_role("link", name=link).click()
        expect(phone.get_by_role("heading", name=words, level=1)).to_be_visible()
        assert axe(phone) == []
    phone.goto(f"{place}/tier")
    expect(phone.get_by_text("What counts now")).to_be_visible()
    assert axe(phone) == []
    phone.goto(f"{place}/code")
    expect(phone.get_by_role("img", name=re.compile("code of card"))).to_be_visible()
    assert axe(phone) == []


def test_the_till_takes_a_scan_from_anywhere(place: str, app, tenant, open_page: Callable[..., Page], axe: Axe) -> None:
    from config.extensions import db
    from loyalty.members.services import create_member
    from tenants.scope import tenant_scope

    with app.app_context(), tenant_scope(tenant.id):
        create_member(number="7001", name="Ravi Green")
        db.session.commit()
    till = open_page(size=TILL)
    sign_in(till, place, "cashier", "/till/signin")
    field = till.locator("[data-keep-focus]")
    expect(field).to_be_focused()
    till.evaluate("document.activeElement.blur()")
    till.keyboard.type("7001")
    expect(field).to_have_value("7001")
    till.keyboard.press("Enter")
    expect(till.get_by_role("heading", name="Ravi Green", level=2)).to_be_visible()  # one match needs no list
    assert axe(till) == []
    till.get_by_role("button", name="8", exact=True).click()
    till.get_by_role("button", name="2", exact=True).click()
    expect(till.locator("#earns")).to_contain_text("82")
    till.get_by_role("button", name="Record the purchase").click()
    expect(till.get_by_text("+82 points")).to_be_visible()
    assert axe(till) == []
    assert till.evaluate("document.documentElement.scrollHeight <= innerHeight")


def test_the_portal_installs_and_says_when_it_is_off_line(place: str, chrome) -> None:
    frame = chrome.new_context(viewport={"width": PHONE[0], "height": PHONE[1]})
    try:
        page = frame.new_page()
        page.goto(f"{place}/me/signin")
        page.evaluate(f"navigator.serviceWorker.register('{urlsplit(place).path}/service-worker.js')")
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        page.goto(f"{place}/me/signin")
        frame.set_offline(True)
        page.goto(f"{place}/points")
        expect(page.get_by_role("heading", name="You are off line")).to_be_visible()
    finally:
        frame.close()
