"""What every template has at hand: icons, assets, QR codes, and `shell`, the frame around a page."""

from __future__ import annotations

import hashlib
import re
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import segno
from babel import numbers as babel_numbers
from flask import Flask, Response, current_app, g, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup, escape
from werkzeug.local import LocalProxy
from werkzeug.routing import BuildError

from tenants import navigation
from tenants.access import Actor, actor_or_none, may
from tenants.edge import language_tag
from tenants.formats import current_currency, number_locale
from tenants.theme import accent_of

LANGUAGES = (("en", "English"), ("zh_Hans", "简体中文"), ("zh_Hant", "繁體中文"))
THEMES = ("light", "dark", "auto")
_SPACE = re.compile(r">\s+<")


@dataclass(frozen=True)
class Person:
    """Who the user menu shows."""

    name: str
    role: str = ""


@dataclass(frozen=True)
class Shell:
    """The frame around a page: brand, menu, person, choices."""

    face: str
    lang: str
    locale: str
    theme: str
    here: str
    brand: str = ""
    logo_url: str = ""
    accent: str = ""
    is_demo: bool = False
    person: Person | None = None
    home_url: str = "/"
    sign_in_url: str = ""
    sign_out_url: str = ""
    preferences_url: str = ""
    theme_url: str = ""
    icon_url: str = ""
    manifest_url: str = ""
    worker_url: str = ""
    nav: list[navigation.EntryGroup] = field(default_factory=list)
    person_links: list[navigation.Entry] = field(default_factory=list)
    languages: tuple[tuple[str, str], ...] = LANGUAGES
    words: dict[str, Any] = field(default_factory=dict)


# ---------------------------------------------------------------- drawing


@lru_cache(maxsize=1024)
def _icon_body(folder: str, name: str) -> str:
    path = Path(folder) / f"{name}.svg"
    if not re.fullmatch(r"[a-z0-9-]+", name) or not path.is_file():
        return ""
    text = path.read_text(encoding="utf-8")
    inner = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    inner = inner.replace('<path stroke="none" d="M0 0h24v24H0z" fill="none" />', "")
    return _SPACE.sub("><", inner.strip())


@lru_cache(maxsize=2048)
def _icon(folder: str, name: str, size: int, label: str) -> Markup:
    voice = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return Markup(  # noqa: S704  # the body comes from our own files, the label is escaped
        f'<svg class="icon" width="{size}" height="{size}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        f'stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" {voice}>{_icon_body(folder, name)}</svg>'
    )


def draw_icon(name: str, size: int = 20, label: str = "") -> Markup:
    """A Tabler outline icon as inline SVG; hidden from readers unless it has a label."""
    return _icon(f"{current_app.static_folder}/vendor/icons", name, size, str(label))


def qr_svg(data: str) -> Markup:
    """A QR code as inline SVG without colours of its own beyond ink on paper."""
    code = segno.make(data, error="m")
    size = code.symbol_size(border=2)[0]
    path = code.svg_inline(border=2, svgclass=None, lineclass=None, omitsize=True, dark="#000", light="#fff")
    if "viewBox" not in path:
        path = path.replace("<svg", f'<svg viewBox="0 0 {size} {size}"', 1)
    return Markup(path)  # noqa: S704  # segno writes numbers only


@lru_cache(maxsize=256)
def _version(path: str, _changed: int) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:8]


def asset(name: str, *, version: bool = True) -> str:
    """The URL of a file under static/, with its content's hash so that it may be kept for ever."""
    path = Path(current_app.static_folder or "static") / name
    if not version or not path.is_file():
        return url_for("static", filename=name)
    return url_for("static", filename=name, v=_version(str(path), path.stat().st_mtime_ns))


def tone(name: str) -> int:
    """A number from 0 to 7 that stays with a name: the colour of its avatar."""
    return zlib.crc32(name.encode()) % 8


def currency_sign() -> str:
    """The sign of the tenant's currency, such as £."""
    return str(babel_numbers.get_currency_symbol(current_currency(), locale=number_locale()))


def from_epoch(seconds: float) -> datetime:
    """Epoch seconds as an aware instant."""
    return datetime.fromtimestamp(seconds, tz=UTC)


# ---------------------------------------------------------------- the frame


def role_names() -> dict[str, str]:
    """Staff roles as people read them."""
    return {
        "owner": _("Owner"),
        "manager": _("Manager"),
        "marketer": _("Marketer"),
        "cashier": _("Cashier"),
        "care": _("Care"),
        "channel_manager": _("Channel manager"),
        "finance": _("Finance"),
        "analyst": _("Analyst"),
    }


def _words() -> dict[str, Any]:
    """Sentences the scripts say."""
    return {
        "failed": _("That did not work. Try again."),
        "offline": _("No connection. Try again when you are back on line."),
        "copied": _("Copied"),
        "cancel": _("Cancel"),
        "close": _("Close"),
        "showTable": _("Show as a table"),
        "showChart": _("Show as a picture"),
        "keysTitle": _("Keys"),
        "keys": {
            "/": _("Search"),
            "j": _("Next row"),
            "k": _("Row before"),
            "Enter": _("Open the row"),
            "?": _("This list"),
        },
    }


def _person(actor: Actor | None) -> Person | None:
    if actor is None:
        return None
    names = role_names()
    return Person(actor.name, ", ".join(names[role] for role in names if role in actor.roles))


def url_or_empty(endpoint: str | None, **values: Any) -> str:
    """The address of a page; empty where it does not exist (yet) or needs other values."""
    if not endpoint:
        return ""
    try:
        return url_for(endpoint, **values)
    except BuildError:  # a page that needs values is no place for a menu
        return ""


def frame() -> Shell:
    """The frame of the present request. Reads no table: it must also stand around an error page."""
    face, tenant, actor = g.get("face") or "platform", g.get("tenant"), actor_or_none()
    known = current_app.view_functions
    signed_in = actor is not None
    theme = request.cookies.get("theme", "auto")
    branding = tenant.branding if tenant else {}
    home = url_or_empty(navigation.first_known(navigation.HOMES.get(face, ()), known))
    return Shell(
        face=face,
        lang=language_tag(),
        locale=str(get_locale() or "en"),
        theme=theme if theme in THEMES else "auto",
        here=request.full_path.rstrip("?") if request.method == "GET" else request.path,
        brand=tenant.name if tenant else "",
        logo_url=url_for("brand.logo", v=branding["logo"]) if branding.get("logo") and "brand.logo" in known else "",
        accent=accent_of(branding),
        is_demo=bool(tenant and tenant.is_demo),
        person=_person(actor),
        home_url=home or (request.script_root or "") + "/",
        sign_out_url=url_or_empty(navigation.first_known(navigation.SIGN_OUTS.get(face, ()), known))
        if signed_in
        else "",
        preferences_url=url_or_empty("shell.preferences"),
        theme_url=url_for("shell.theme_css", v=_brand_version(branding)),
        icon_url=url_or_empty("shell.icon"),
        manifest_url=url_or_empty("shell.manifest"),
        worker_url=url_or_empty("shell.worker"),
        nav=_menu(face, known) if signed_in else [],
        person_links=_person_links(face, known) if signed_in else [],
        words=_words(),
    )


def _menu(face: str, known: dict[str, Any]) -> list[navigation.EntryGroup]:
    return navigation.menu(face, known=known, may=may, url_for=url_or_empty, at=request.endpoint or "")


def _person_links(face: str, known: dict[str, Any]) -> list[navigation.Entry]:
    return navigation.person_links(face, known=known, may=may, url_for=url_or_empty)


def _brand_version(branding: dict[str, Any]) -> str:
    text = f"{branding.get('accent', '')}{branding.get('card', '')}{branding.get('card_style', '')}"
    return f"{zlib.crc32(text.encode()):08x}"


def _frame_once() -> Shell:
    """The frame, made when a template first asks for it: a fragment never does."""
    if "shell" not in g:
        g.shell = frame()
    shell: Shell = g.shell
    return shell


def forget_language(response: Response) -> Response:
    """This device's choice of language gives way to the one the person has just kept in the account."""
    response.delete_cookie("lang", path=request.script_root or "/")
    return response


def _keep_assets(response: Response) -> Response:
    """Let browsers keep files under static/: for ever by their hash, fonts (named in CSS without one) for a day."""
    if request.endpoint == "static" and response.status_code in {200, 304}:
        for_ever, a_day = "public, max-age=31536000, immutable", "public, max-age=86400"
        response.headers["Cache-Control"] = for_ever if "v" in request.args else a_day
    return response


def init_app(app: Flask) -> None:
    """Give templates the kit's functions and the frame."""
    app.jinja_env.globals.update(
        asset=asset, draw_icon=draw_icon, icon=draw_icon, qr_svg=qr_svg, currency_sign=currency_sign, may=may
    )
    app.jinja_env.filters.update(tone=tone, from_epoch=from_epoch)
    app.jinja_env.lstrip_blocks = True
    app.after_request(_keep_assets)
    shell = LocalProxy(_frame_once)
    app.context_processor(lambda: {"shell": shell})
