"""Chromium as Debian ships it, driven by Playwright; used by the browser tests and by the screenshots."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
FLAGS = (
    "--no-sandbox",  # the tests may run as root, in a container
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
PHONE, DESK, TILL = (390, 844), (1440, 900), (1024, 768)


def executable() -> str | None:
    """The path of Chromium: CHROMIUM, or what the machine has; None when there is none."""
    given = os.environ.get("CHROMIUM")
    names = ("chromium", "chromium-browser", "google-chrome")
    return given or next(filter(None, map(shutil.which, names)), None)


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless browser. Raises FileNotFoundError where there is none."""
    path = executable()
    if path is None:
        raise FileNotFoundError("There is no Chromium here. On Debian: apt-get install chromium fonts-noto-cjk")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield chromium
        finally:
            chromium.close()


def open_page(chromium: Browser, *, size: tuple[int, int] = DESK, scheme: str = "light", **context: Any) -> Page:
    """A page in a context of its own (cookies are not shared); what goes wrong in it is kept in `page.problems`."""
    width, height = size
    frame = chromium.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        service_workers="block",
        **context,
    )
    page = frame.new_page()
    page.set_default_timeout(20_000)
    page.set_default_navigation_timeout(60_000)  # the machine may be busy
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(f"script: {error}"))
    page.on("console", lambda said: problems.append(f"console: {said.text}") if _counts(said.text, said.type) else None)
    page.problems = problems  # type: ignore[attr-defined]
    return page


def _counts(text: str, kind: str) -> bool:
    # Refusals (422, 409, 404) are part of the tests; Chromium logs them as errors of the network.
    quiet = ("the server responded with a status of 4", "Service Worker registration blocked")
    return kind in {"error", "warning"} and not any(part in text for part in quiet)


def axe(page: Page) -> list[str]:
    """What axe-core finds wrong with the page for people with disabilities, WCAG 2.2 AA and good practice."""
    page.evaluate((ROOT / "static" / "vendor" / "axe.min.js").read_text(encoding="utf-8"))
    options = {"runOnly": list(RULES)}
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]]
