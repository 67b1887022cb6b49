"""`make screenshots`: photographs every page at 390 and 1440 px, light and dark, into docs/screenshots.

    python -m tests.browser.screenshots [--base http://127.0.0.1:8000] [--only portal] [--looks 390-light] [--png] [--out DIR] [--axe]

Without --base it takes the installation that runs on PORT, or starts one of its own with the demo data
(under PERENNIAL_STATE/screenshots) and stops it afterwards.
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page

from demo.people import PASSWORD
from tests.browser.chromium import DESK, PHONE, ROOT, axe, browser, open_page
from tests.browser.pages import VISITORS, Shot, Visitor

LOOKS = [(size, scheme) for size in (PHONE, DESK) for scheme in ("light", "dark")]
TALLEST = {PHONE: 1700, DESK: 1300}  # what lies below repeats itself
CODE = re.compile(r"(?<!\d)(\d{6})(?!\d)")
READY_WITHIN = 300.0


def say(text: str) -> None:
    """One line for whoever waits."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def answers(base: str) -> bool:
    """Whether a ready installation with the demo is there."""
    try:
        for path in ("/readyz", "/t/harbour/admin/signin"):
            with urllib.request.urlopen(base + path, timeout=5) as answer:
                if answer.status != 200:
                    return False
    except (urllib.error.URLError, OSError):
        return False
    return True


@contextmanager
def installation(base: str | None) -> Iterator[str]:
    """The address of an installation with the demo; starts and stops its own where none is running."""
    here = base or f"http://127.0.0.1:{os.environ.get('PORT', '8000')}"
    if answers(here):
        yield here
        return
    if base:
        raise SystemExit(f"There is no Perennial with demo data at {base}.")
    state = Path(os.environ.get("PERENNIAL_STATE", ROOT / "var")) / "screenshots"
    port = int(os.environ.get("PORT", "8000")) + 7
    say(f"Starting an installation under {state} (the first time takes a minute) …")
    variables = os.environ | {"PERENNIAL_STATE": str(state), "PORT": str(port), "DEMO": "1"}
    run = subprocess.Popen([sys.executable, "-m", "config.run"], cwd=ROOT, env=variables, start_new_session=True)
    try:
        await_ready(run, f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        run.send_signal(signal.SIGTERM)
        run.wait(30)


def await_ready(run: subprocess.Popen[bytes], base: str) -> None:
    """Wait until it answers. Raises SystemExit when it stops or takes too long."""
    deadline = time.monotonic() + READY_WITHIN
    while not answers(base):
        if run.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("The installation did not start; what it wrote stands above.")
        time.sleep(1)


def enter(page: Page, base: str, visitor: Visitor) -> None:
    """Sign the visitor in. Raises SystemExit when that fails."""
    if not visitor.sign_in:
        return
    page.goto(base + visitor.place + visitor.sign_in)
    if visitor.by_code:
        mailbox = page.context.new_page()
        before = mails_to(mailbox, base, visitor.address)
        page.locator("main input:not([type=hidden])").first.fill(visitor.address)
        page.locator("main form button[type=submit]").first.click()
        page.wait_for_url("**/code*")
        page.locator("[name=code]").fill(await_code(mailbox, base, visitor.address, before))
        mailbox.close()
    else:
        page.locator("[name=email]").fill(visitor.address)
        page.locator("[name=password]").fill(PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_load_state()
    if "/signin" in page.url:
        raise SystemExit(f"{visitor.address} cannot sign in at {visitor.place}{visitor.sign_in}.")


def mails_to(mailbox: Page, base: str, address: str) -> list[str]:
    """The addresses of the mails to somebody in the development mailbox, newest first."""
    mailbox.goto(f"{base}/mailbox/?to={address}")
    return [link.get_attribute("href") or "" for link in mailbox.locator("main li a").all()]


def await_code(mailbox: Page, base: str, address: str, before: list[str]) -> str:
    """The one-time code in a mail that was not there before. Raises SystemExit when none arrives."""
    for _second in range(60):
        fresh = [link for link in mails_to(mailbox, base, address) if link not in before]
        if fresh:
            mailbox.goto(f"{base}{fresh[0]}?plain=1")
            found = CODE.search(mailbox.locator("main").inner_text())
            if found:
                return found[1]
        time.sleep(0.5)
    raise SystemExit(f"No code for {address} arrived in the mailbox.")


def shoot(page: Page, base: str, visitor: Visitor, shot: Shot) -> bool:
    """Go to the page and wait until it is complete; False where the demo has no such thing."""
    page.goto(base + visitor.place + shot.path)
    if shot.follow:
        link = page.locator(shot.follow)
        if not link.count():
            return False
        link.first.click()
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready.then(() => scrollTo(0, 0))")
    return True


def keep(page: Page, path: Path, *, size: tuple[int, int], png: bool) -> None:
    """Write the picture: WebP, or PNG where it must be opened by old programs."""
    tall = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST[size])
    page.set_viewport_size({"width": size[0], "height": max(tall, size[1])})
    page.wait_for_timeout(150)
    options = {"format": "png"} if png else {"format": "webp", "quality": 65}
    raw = page.context.new_cdp_session(page).send("Page.captureScreenshot", options)["data"]
    path.with_suffix(".png" if png else ".webp").write_bytes(base64.b64decode(raw))
    page.set_viewport_size({"width": size[0], "height": size[1]})


def looks(asked: str | None) -> list[tuple[tuple[int, int], str]]:
    """The sizes and schemes asked for: "390-light,1440-dark", or all four."""
    words = asked.split(",") if asked else [f"{size[0]}-{scheme}" for size, scheme in LOOKS]
    return [(size, scheme) for size, scheme in LOOKS if f"{size[0]}-{scheme}" in words]


def visit(chromium: Browser, base: str, visitor: Visitor, asked: argparse.Namespace) -> list[str]:
    """Photograph all pages of a visitor; answers what was wrong with them."""
    first = open_page(chromium, locale=visitor.locale)
    enter(first, base, visitor)
    kept = first.context.storage_state()
    wrong = []
    for size, scheme in looks(asked.looks):
        page = open_page(chromium, size=size, scheme=scheme, locale=visitor.locale, storage_state=kept)
        for shot in visitor.pages:
            name = f"{visitor.name}-{shot.name}-{size[0]}-{scheme}"
            if not shoot(page, base, visitor, shot):
                say(f"  {name}: the demo has none")
                continue
            keep(page, asked.out / name, size=size, png=asked.png)
            wrong += [f"{name}: {one}" for one in (axe(page) if asked.axe else [])]
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wrong.append(f"{name}: sticks out sideways")
        wrong += [f"{visitor.name}-{size[0]}-{scheme}: {one}" for one in page.problems]  # type: ignore[attr-defined]
        page.context.close()
    first.context.close()
    return wrong


def main() -> int:
    """Do it; 1 when a page had script errors, stuck out sideways or failed axe."""
    parser = argparse.ArgumentParser(description="Photograph every page.")
    parser.add_argument("--base", help="address of a running installation with demo data")
    parser.add_argument("--only", help="visitors, comma-separated: " + ", ".join(v.name for v in VISITORS))
    parser.add_argument(
        "--looks", help="sizes and schemes, comma-separated: 390-light, 390-dark, 1440-light, 1440-dark"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshots")
    parser.add_argument("--png", action="store_true", help="PNG instead of WebP")
    parser.add_argument("--axe", action="store_true", help="check accessibility too")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    wanted = set(asked.only.split(",")) if asked.only else {visitor.name for visitor in VISITORS}
    wrong: list[str] = []
    with installation(asked.base) as base, browser() as chromium:
        for visitor in VISITORS:
            if visitor.name in wanted:
                say(f"{visitor.name}: {len(visitor.pages)} pages")
                wrong += visit(chromium, base, visitor, asked)
    for one in dict.fromkeys(wrong):
        say(f"WRONG {one}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
