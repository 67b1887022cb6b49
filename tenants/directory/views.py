"""Doors of the directory outside all tenants: product page and sign-up."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext as _

from tenants.access import public
from tenants.accounts import limits
from tenants.directory import places, queries
from tenants.directory.schemas import SignUpSchema
from tenants.directory.signup import open_tenant
from tenants.forms import Form
from tenants.info import tenant_info
from tenants.web import page

bp = Blueprint("directory", __name__)
bp.face = "platform"  # type: ignore[attr-defined]


@bp.get("/welcome")
@public
def welcome() -> Response:
    """The product page, at / outside every tenant."""
    return page("directory/welcome.html")


@bp.route("/signup", methods=["GET", "POST"])
@public
def sign_up() -> Response:
    """Open an account for an organisation."""
    form = Form(SignUpSchema(), values={"country": _country_of_browser()})
    if request.method == "POST":
        limits.refuse_if_full(limits.SIGN_UPS, "signup", request.remote_addr or "")
    if form.submit(open_tenant):
        limits.count(limits.SIGN_UPS, "signup", request.remote_addr or "")
        return page("directory/signed_up.html", email=form.data["email"], tenant=tenant_info(form.result))
    return form.page("directory/sign_up.html")


def _country_of_browser() -> str:
    for tag, _quality in request.accept_languages:
        country = tag.replace("_", "-").rpartition("-")[2].upper()
        if len(country) == 2 and tag.lower() != country.lower():
            return country
    return ""


@bp.get("/signup/country")
@public
def country_suggestions() -> str:
    """Fragment: locale, currency and zone that fit the chosen country; still to be changed."""
    country = request.args.get("country", "").upper()
    suggested = places.for_country(country) if len(country) == 2 and country.isalpha() else None
    return render_template("directory/_country_fields.html", form=Form(SignUpSchema(), values=suggested or {}))


@bp.get("/signup/slug")
@public
def slug_hint() -> Response:
    """Fragment: the short name that would be taken, and whether it is free."""
    typed = request.args.get("slug", "").strip().lower()
    slug = typed or places.slug_of(request.args.get("name", "")[:80])
    if not slug:
        return Response("")
    limits.spend(limits.SLUG_LOOKS, "slug", request.remote_addr or "")
    if not places.is_slug(slug):
        said = _("%(slug)s cannot be used.", slug=slug)
    elif queries.slug_is_free(slug):
        said = _("%(slug)s is free.", slug=slug)
    else:
        said = _("%(slug)s is taken.", slug=slug)
    return Response(render_template("directory/_slug_hint.html", said=said))
