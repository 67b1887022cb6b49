"""The frame: menus by permission, icons that exist, colours that read, small public files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from tenants import navigation, theme
from tenants.info import TenantInfo
from tenants.navigation import MENUS, menu

ROOT = Path(__file__).resolve().parents[2]
USED = re.compile(
    r"""(?:\bicon|draw_icon)\(\s*'([a-z0-9-]+)'|\bicon=["']([a-z0-9-]+)["']|"icon": *["']([a-z0-9-]+)["']|'icon': *'([a-z0-9-]+)'"""
)
COLOURS = st.integers(0, 0xFFFFFF).map(lambda n: f"#{n:06x}")


def known_icons() -> set[str]:
    names = json.loads((ROOT / "config" / "vendor.json").read_text())
    return {Path(name).stem for name in names.values() if name.startswith("icons/")}


def used_icons() -> set[str]:
    texts = [*(ROOT / "templates").rglob("*.html")]
    for package in ("tenants", "loyalty", "channels"):
        texts += (ROOT / package).rglob("*.py")
    found = {name for path in texts for names in USED.findall(path.read_text()) for name in names if name}
    items = [item for menu_ in MENUS.values() for group in menu_ for item in group.items]
    return found | {item.icon for item in items}


def test_every_icon_used_is_copied_at_set_up() -> None:
    assert used_icons() - known_icons() == set()


def test_the_menu_holds_what_a_person_may_open_and_what_exists() -> None:
    known = {"start.index": 1, "members.index": 1, "keys.index": 1}
    groups = menu(
        "admin", known=known, may=lambda name: name != "keys.edit", url_for=lambda e: f"/{e}", at="members.show"
    )
    assert [(entry.url, entry.active) for group in groups for entry in group.entries] == [
        ("/start.index", False),
        ("/members.index", True),
    ]


def test_two_items_of_one_blueprint_share_its_pages() -> None:
    known = dict.fromkeys(["points.index", "points.programme"], 1)

    def active(at: str) -> list[str]:
        groups = menu("admin", known=known, may=lambda _name: True, url_for=str, at=at)
        return [entry.url for group in groups for entry in group.entries if entry.active]

    assert active("points.programme") == active("points.edit") == ["points.programme"]
    assert active("points.lot") == active("points.index") == ["points.index"]
    assert active("other.index") == []


def test_permissions_of_the_menu_exist() -> None:
    from tenants.access import PERMISSIONS

    items = [item for menu_ in MENUS.values() for group in menu_ for item in group.items]
    items += [item for links in navigation.PERSON_LINKS.values() for item in links]
    assert {item.needs for item in items} - {None} <= set(PERMISSIONS)


@given(COLOURS)
def test_any_accent_is_made_legible(accent: str) -> None:
    light = theme._variables(accent, surface=theme.LIGHT_SURFACE, soft=0.09)
    dark = theme._variables(accent, surface=theme.DARK_SURFACE, soft=0.2)
    for surface, values in ((theme.LIGHT_SURFACE, light), (theme.DARK_SURFACE, dark)):
        assert theme.contrast(values["--pn-accent-text"], surface) >= 4.5
        assert theme.contrast(values["--pn-accent-text"], values["--pn-accent-soft"]) >= 4.5
        assert theme.contrast(values["--tblr-primary"], values["--tblr-primary-fg"]) >= 4.5
    card = theme._card({"accent": accent})
    assert theme.contrast(card["--pn-card-ink"], card["--pn-card-near"]) >= 4.5


@given(COLOURS)
def test_any_card_colour_carries_its_ink(card: str) -> None:
    values = theme._card({"card": card})
    assert theme.contrast(values["--pn-card-ink"], values["--pn-card-near"]) >= 4.5
    assert theme.contrast(values["--pn-card-ink"], values["--pn-card-far"]) >= 4.5


@pytest.mark.parametrize("given", ["", "red", "#12", "#fff;}*{x:y", None])
def test_a_bad_colour_is_the_houses(given: object) -> None:
    assert theme.accent_of({"accent": given}) == theme.DEFAULT_ACCENT


def test_the_small_files_are_there_in_a_tenant_and_outside(client: FlaskClient, tenant: TenantInfo) -> None:
    for prefix in ("", f"/t/{tenant.slug}"):
        assert client.get(f"{prefix}/theme.css").mimetype == "text/css"
        assert client.get(f"{prefix}/icon.svg").mimetype == "image/svg+xml"
        assert client.get(f"{prefix}/offline").status_code == 200
        manifest = client.get(f"{prefix}/manifest.webmanifest").get_json()
        assert manifest["start_url"] == f"{prefix}/"
        worker = client.get(f"{prefix}/service-worker.js")
        assert worker.mimetype == "text/javascript"
        assert f"{prefix}/offline" in worker.get_data(as_text=True)


def test_the_worker_keeps_no_page_of_anybody(client: FlaskClient, tenant: TenantInfo) -> None:
    text = client.get(f"/t/{tenant.slug}/service-worker.js").get_data(as_text=True)
    files = json.loads(re.search(r"FILES = (\[.*?\]);", text)[1])  # type: ignore[index]
    assert {re.sub(r"\?.*", "", name).rsplit("/", 1)[-1].partition(".")[2] or name for name in files} <= {
        "js", "css", "min.css", "min.js", "woff2", f"/t/{tenant.slug}/offline",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("/admin?x=1", "/admin?x=1"),
        ("//evil.example", "/"),
        ("https://evil.example/x", "/"),
        ("/\\evil", "/"),
        ("", "/"),
    ],
)
def test_preferences_go_back_to_this_site_only(client: FlaskClient, tenant: TenantInfo, asked: str, sent: str) -> None:
    answer = client.post(f"/t/{tenant.slug}/preferences", data={"next": asked, "theme": "dark", "locale": "zh_Hans"})
    assert answer.status_code == 303
    assert answer.location.removeprefix("http://localhost") == f"/t/{tenant.slug}{sent}"
    assert {c.partition("=")[0] for c in answer.headers.getlist("Set-Cookie")} >= {"theme", "lang"}


def test_preferences_keep_only_what_we_know(client: FlaskClient) -> None:
    answer = client.post("/preferences", data={"theme": "pink", "locale": "xx"})
    assert not {"theme", "lang"} & {c.partition("=")[0] for c in answer.headers.getlist("Set-Cookie")}


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 422, 429, 500, 503])
def test_every_refusal_has_a_page_that_says_what_to_do(app: Flask, status: int) -> None:
    from flask import g

    from tenants.errors import AppError
    from tenants.problems import render

    error = AppError("<b>This</b> happened.")
    error.status = status
    with app.test_request_context("/x"):
        g.request_id, g.tenant, g.actor = "abc12345", None, None
        html = render(error).get_data(as_text=True)
    assert "&lt;b&gt;This&lt;/b&gt; happened." in html
    assert "abc12345" in html
    assert re.search(r"<h1>\s*\S", html)


def test_assets_carry_their_hash(app: Flask) -> None:
    from tenants.ui import asset

    with app.test_request_context("/"):
        assert re.search(r"/static/app\.css\?v=[0-9a-f]{8}$", asset("app.css"))
        assert asset("absent.css") == "/static/absent.css"


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/static/app.css?v=12345678", "public, max-age=31536000, immutable"),
        ("/static/app.css", "public, max-age=86400"),
        ("/static/absent.css?v=1", None),
    ],
)
def test_assets_are_kept_by_their_hash(client: FlaskClient, path: str, kept: str | None) -> None:
    answer = client.get(path)
    answer.close()
    assert answer.headers.get("Cache-Control") == kept


def test_a_language_kept_in_the_account_wins_over_the_devices(staff_client: Callable[..., FlaskClient]) -> None:
    office = staff_client("manager")
    office.post("/preferences", data={"locale": "zh_Hans"})
    assert 'lang="zh-Hans"' in office.get("/admin/account/").get_data(as_text=True)
    assert office.post("/admin/account/", data={"name": "Mo", "locale": "en"}).status_code == 303
    assert 'lang="en"' in office.get("/admin/account/").get_data(as_text=True)
