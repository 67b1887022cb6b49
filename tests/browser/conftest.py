"""A live server and a real browser. Where Chromium is absent these tests say so and are skipped; in CI they fail."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import jinja2
import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from tests.browser import chromium


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies here as a browser test."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chrome() -> Iterator[Browser]:
    """One browser for all tests of this worker."""
    if chromium.executable() is None:
        sentence = "There is no Chromium here; on Debian: apt-get install chromium fonts-noto-cjk"
        pytest.fail(sentence) if os.environ.get("CI") else pytest.skip(sentence)
    with chromium.browser() as started:
        yield started


@pytest.fixture(scope="session")
def live(app: Flask) -> Iterator[str]:
    """The app on a port of its own; the value is its address without a slash at the end."""
    app.config["SERVER_NAME"] = None
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(5)
    server.server_close()


@pytest.fixture(scope="session")
def kit(servers: None) -> Iterator[str]:
    """An app with one more page, which shows every macro of the kit."""
    from app import create_app
    from tests.browser.kit_page import bp

    app = create_app()
    app.register_blueprint(bp)
    own = jinja2.FileSystemLoader(str(Path(__file__).parent / "templates"))
    app.jinja_loader = jinja2.ChoiceLoader([app.jinja_loader, own])  # type: ignore[list-item]
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(5)
    server.server_close()


@pytest.fixture
def open_page(chrome: Browser) -> Iterator[Callable[..., Page]]:
    """open_page(size=PHONE, scheme="dark", java_script_enabled=False): a page; script errors and refusals of the policy fail the test."""
    pages: list[Page] = []

    def new(**given: object) -> Page:
        pages.append(chromium.open_page(chrome, **given))
        return pages[-1]

    yield new
    problems = [problem for page in pages for problem in page.problems]  # type: ignore[attr-defined]
    for page in pages:
        page.context.close()
    assert problems == []


@pytest.fixture
def browser_page(open_page: Callable[..., Page]) -> Page:
    """A page at 1440 px, light."""
    return open_page()


@pytest.fixture
def axe() -> Callable[[Page], list[str]]:
    """axe(page) must be []."""
    return chromium.axe
