"""Doors of the shell. All are public: they show a tenant's colours and name, and keep two cookies."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, g, jsonify, make_response, render_template, request, url_for

from config.extensions import csrf
from tenants.access import public
from tenants.formats import initials
from tenants.theme import accent_of, style_sheet, text_on
from tenants.ui import LANGUAGES, THEMES, asset
from tenants.web import see_other

bp = Blueprint("shell", __name__)
bp.face = "any"  # type: ignore[attr-defined]  # the same inside and outside tenants

YEAR = 365 * 24 * 3600
SHELL_FILES = (
    "theme.js", "app.js", "app.css", "pieces.css", "portal.css",
    "vendor/tabler.min.css", "vendor/htmx.min.js", "vendor/inter-latin.woff2",
)  # fmt: skip


def _file(text: str, mimetype: str, *, seconds: int) -> Response:
    response = Response(text, mimetype=mimetype)
    response.headers["Cache-Control"] = f"public, max-age={seconds}"
    return response


def _branding() -> dict[str, object]:
    return g.tenant.branding if g.tenant else {}


@bp.get("/theme.css")
@public
def theme_css() -> Response:
    """The tenant's colours; the address carries their hash."""
    return _file(style_sheet(_branding()), "text/css", seconds=YEAR if request.args.get("v") else 60)


@bp.get("/icon.svg")
@public
def icon() -> Response:
    """The tenant's initials on its accent, for tab, home screen and manifest."""
    accent = accent_of(_branding())
    letters = initials(g.tenant.name if g.tenant else "Perennial")
    svg = render_template("layouts/icon.svg", accent=accent, ink=text_on(accent), letters=letters)
    return _file(svg, "image/svg+xml", seconds=3600)


@bp.get("/manifest.webmanifest")
@public
def manifest() -> Response:
    """What a phone needs to keep the portal on its home screen."""
    home = (request.script_root or "") + "/"
    name = g.tenant.name if g.tenant else "Perennial"
    icons = [
        {"src": url_for(".icon"), "sizes": "any", "type": "image/svg+xml", "purpose": p} for p in ("any", "maskable")
    ]
    body = {"name": name, "short_name": name[:12], "id": home, "start_url": home, "scope": home}
    body |= {
        "display": "standalone",
        "background_color": "#f6f7f9",
        "theme_color": accent_of(_branding()),
        "icons": icons,
    }
    response = jsonify(body)
    response.mimetype = "application/manifest+json"
    return response


@bp.get("/service-worker.js")
@public
def worker() -> Response:
    """Keeps the static shell and the off-line page; never a page with somebody's data."""
    files = [asset(name) for name in SHELL_FILES] + [url_for(".theme_css"), url_for(".offline")]
    text = render_template("layouts/service-worker.js", files=files, offline=url_for(".offline"))
    return _file(text, "text/javascript", seconds=0)


@bp.get("/offline")
@public
def offline() -> str:
    """What an installed portal shows without a connection."""
    return render_template("errors/offline.html")


@bp.post("/preferences")
@csrf.exempt  # two cookies about looks; the page may belong to any face, whose token lies in its own cookie
@public
def preferences() -> Response:
    """Keep the language and the light or dark choice, and go back."""
    path = request.script_root or "/"
    target = urlsplit(request.form.get("next", ""))
    local = target.path if not target.netloc and target.path.startswith("/") and target.path[1:2] not in "/\\" else "/"
    response = make_response(
        see_other((request.script_root or "") + local + (f"?{target.query}" if target.query else ""))
    )
    for cookie, name, allowed in (
        ("lang", "locale", {code for code, _name in LANGUAGES}),
        ("theme", "theme", set(THEMES)),
    ):
        value = request.form.get(name)
        if value in allowed:
            response.set_cookie(cookie, value, max_age=YEAR, path=path, samesite="Lax", secure=request.is_secure)
    return response
