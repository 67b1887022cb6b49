"""Doors of the tenant itself: logo, branding, settings, host names."""

from __future__ import annotations

from flask import Blueprint, Response, flash, g, url_for
from flask_babel import gettext as _

from tenants.access import public, requires
from tenants.directory import queries, services
from tenants.directory.schemas import BrandingSchema, HostSchema, SettingsSchema
from tenants.errors import NotFound
from tenants.forms import Form
from tenants.links import tenant_url
from tenants.theme import CARD_ART, accent_of, card_of
from tenants.web import see_other

bp = Blueprint("branding", __name__, url_prefix="/admin/branding")
bp.face = "admin"  # type: ignore[attr-defined]
settings = Blueprint("settings", __name__, url_prefix="/admin/settings")
settings.face = "admin"  # type: ignore[attr-defined]
files = Blueprint("brand", __name__, url_prefix="/brand")
files.face = "portal"  # type: ignore[attr-defined]  # a picture that every face shows

YEAR = 365 * 24 * 3600


@bp.route("/", methods=["GET", "POST"])
@requires("branding.edit")
def index() -> Response:
    """Colours, card and logo, with a preview."""
    branding = queries.own_tenant().branding
    start = {
        "accent": accent_of(branding),
        "card": card_of(branding),
        "card_style": branding.get("card_style", "plain"),
    }
    form = Form(BrandingSchema(), values=start)
    if form.submit(services.change_branding):
        flash(_("Saved. Pages show it within some seconds."), "success")
        return see_other(url_for(".index"))
    return form.page("directory/branding.html", branding=branding, card_art=CARD_ART)


@files.get("/logo")
@public
def logo() -> Response:
    """The tenant's logo; its address carries the digest, so it may be kept for ever."""
    kept = queries.logo()
    if kept is None:
        raise NotFound
    response = Response(kept.content, content_type=kept.content_type)
    response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    response.set_etag(kept.digest)
    return response


@settings.route("/", methods=["GET", "POST"], endpoint="index")
@requires("settings.edit")
def edit_settings() -> Response:
    """Name, locale, zone, limits; and the host names."""
    tenant = queries.own_tenant()
    days = g.tenant.setting("message_max_age_days")
    start = {"name": tenant.name, "locale": tenant.locale, "zone": tenant.zone, "message_max_age_days": days}
    form = Form(SettingsSchema(), values=start)
    if form.submit(services.change_settings):
        flash(_("Saved."), "success")
        return see_other(url_for(".index"))
    return form.page("directory/settings.html", tenant=tenant, hosts=queries.hosts(), here_url=tenant_url("/"))


@settings.route("/hosts/new", methods=["GET", "POST"])
@requires("settings.edit")
def add_host() -> Response:
    """Add a host name."""
    form = Form(HostSchema())
    if form.submit(services.add_host):
        flash(_("%(host)s leads here as soon as its DNS entry does.", host=form.result), "success")
        return see_other(url_for(".index"))
    return form.page("directory/host.html")


@settings.post("/hosts/<host>/remove")
@requires("settings.edit")
def remove_host(host: str) -> Response:
    """Give a host name back."""
    services.remove_host(host)
    flash(_("%(host)s no longer leads here.", host=host), "success")
    return see_other(url_for(".index"))
