"""The kit in a real browser: legible for everybody, obedient to the policy, usable by keyboard and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import DESK, PHONE, TILL

SIZES = {"admin": (PHONE, DESK), "portal": (PHONE, DESK), "till": (TILL,), "platform": (PHONE, DESK)}
LOOKS = [(face, size, scheme) for face, sizes in SIZES.items() for size in sizes for scheme in ("light", "dark")]


@pytest.mark.parametrize(("face", "size", "scheme"), LOOKS, ids=str)
def test_every_macro_passes_axe(
    kit: str, open_page: Callable[..., Page], axe: Callable[[Page], list[str]], face: str, size: object, scheme: str
) -> None:
    page = open_page(size=size, scheme=scheme)
    page.goto(f"{kit}/kit/{face}")
    expect(page.locator(".pn-chart-live canvas")).to_be_visible()
    assert axe(page) == []
    # Nothing sticks out sideways.
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_kind_of_field_passes_axe_with_errors(
    kit: str, open_page: Callable[..., Page], axe: Callable[[Page], list[str]], scheme: str
) -> None:
    page = open_page(scheme=scheme, size=PHONE)
    page.goto(f"{kit}/kit/form")
    page.get_by_label("E-mail").fill("nobody")
    page.get_by_label("Limit").fill("twelve")
    page.get_by_label("Note").fill("kept")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("This is not an e-mail address.")).to_be_visible()
    expect(page.get_by_label("E-mail")).to_be_focused()
    expect(page.get_by_label("E-mail")).to_have_value("nobody")
    expect(page.get_by_label("Note")).to_have_value("kept")
    expect(page.get_by_label("E-mail")).to_have_attribute("aria-describedby", "f-email-error f-email-hint")
    assert axe(page) == []


def test_the_theme_is_kept(kit: str, browser_page: Page) -> None:
    page = browser_page
    page.goto(f"{kit}/kit/platform")
    page.locator("details[data-menu] summary").click()
    with page.expect_response("**/preferences"):
        page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


@pytest.mark.parametrize("scripts", [True, False])
def test_the_language_is_kept_and_the_way_back_too(kit: str, open_page: Callable[..., Page], scripts: bool) -> None:
    page = open_page(java_script_enabled=scripts)
    page.goto(f"{kit}/kit/platform?x=1")
    page.locator("details[data-menu] summary").click()
    page.get_by_role("button", name="简体中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    assert page.url.endswith("/kit/platform?x=1")


def test_a_menu_closes_with_escape_and_gives_the_focus_back(kit: str, browser_page: Page) -> None:
    page = browser_page
    page.goto(f"{kit}/kit/platform")
    page.locator("details[data-menu] summary").click()
    page.keyboard.press("Escape")
    expect(page.locator("details[data-menu][open]")).to_have_count(0)
    expect(page.locator("details[data-menu] summary")).to_be_focused()


def test_the_menu_opens_on_a_phone_without_scripts(kit: str, open_page: Callable[..., Page]) -> None:
    page = open_page(size=PHONE, java_script_enabled=False)
    page.goto(f"{kit}/kit/admin")
    expect(page.locator("#nav")).to_be_hidden()
    page.get_by_role("button", name="Open the menu").click()
    expect(page.locator("#nav")).to_be_visible()
    page.get_by_role("button", name="Close the menu").click()
    expect(page.locator("#nav")).to_be_hidden()


def test_what_cannot_be_undone_asks_once(kit: str, browser_page: Page) -> None:
    page = browser_page
    page.goto(f"{kit}/kit/admin")
    page.get_by_role("button", name="Delete").click()
    box = page.get_by_role("dialog", name="Delete Ada?")
    expect(box.get_by_role("button", name="Cancel")).to_be_focused()
    box.get_by_role("button", name="Cancel").click()
    assert page.url.endswith("/kit/admin")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.wait_for_url("**/kit/platform")


def test_progress_moves_by_itself(kit: str, browser_page: Page) -> None:
    browser_page.goto(f"{kit}/kit/admin")
    expect(browser_page.get_by_text("12,400 of 30,000")).to_be_visible()
    expect(browser_page.get_by_text("Import done")).to_be_visible()


def test_a_picture_is_a_table_too(kit: str, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto(f"{kit}/kit/admin")
    page.get_by_role("button", name="Show as a table").click()
    expect(page.get_by_role("cell", name="15,800")).to_be_visible()
    bare = open_page(java_script_enabled=False)
    bare.goto(f"{kit}/kit/admin")
    expect(bare.get_by_role("cell", name="15,800")).to_be_visible()


def test_the_first_stop_of_the_keyboard_skips_the_menu(kit: str, browser_page: Page) -> None:
    page = browser_page
    page.goto(f"{kit}/kit/admin")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_a_problem_page_says_what_to_do(kit: str, browser_page: Page, axe: Callable[[Page], list[str]]) -> None:
    page = browser_page
    page.goto(f"{kit}/kit/nothing")
    expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()
    expect(page.locator("code")).to_have_text(re.compile(r"[0-9a-f]{16}"))
    assert axe(page) == []
