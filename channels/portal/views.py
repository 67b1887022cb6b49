"""Doors of a partner's people. Every query runs in their partner's scope, so it finds own rows only."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response
from flask_babel import lazy_gettext as _l

from channels.partners import queries
from tenants.access import current_actor, partner_only
from tenants.catalogue import queries as catalogue
from tenants.catalogue.models import Category, Product
from tenants.errors import NotFound
from tenants.listing import Column, Empty, Listing
from tenants.web import page

bp = Blueprint("partner_portal", __name__, url_prefix="/partner")
bp.face = "partner"  # type: ignore[attr-defined]

PRODUCTS = Listing(
    "products",
    columns=[
        Column("name", _l("Product"), sort=Product.name),
        Column("sku", _l("Article number"), sort=Product.sku),
        Column("category", _l("Category"), sort=Category.name),
    ],
    key=Product.id,
    sort="name",
    search=catalogue.find_products,
    search_hint=_l("Name or article number"),
    empty=Empty(_l("No products yet"), _l("The brand has not published its product list.")),
)


@bp.get("/")
@partner_only
def home() -> Response:
    """Who we are and what we were told."""
    partner = queries.own_partner()
    return page(
        "partner_portal/index.html",
        partner=partner,
        notices=queries.notices_for(partner.id, limit=5),
        users=queries.users_of(partner.id),
        actor=current_actor(),
    )


@bp.get("/notices")
@partner_only
def notices() -> Response:
    """Everything we were told."""
    return page(
        "partner_portal/notices.html",
        notices=queries.notices_for(queries.own_partner().id),
    )


@bp.get("/notices/<uuid:notice_id>")
@partner_only
def notice(notice_id: UUID) -> Response:
    """One notice in full."""
    found = queries.notice(notice_id)
    if found.withdrawn_at is not None:
        raise NotFound
    return page("partner_portal/notice.html", notice=found)


@bp.get("/products")
@partner_only
def products() -> Response:
    """What the brand sells."""
    return PRODUCTS.respond(catalogue.products().where(Product.status == "active"), "partner_portal/products.html")


@bp.get("/people")
@partner_only
def people() -> Response:
    """Who of us may sign in."""
    partner = queries.own_partner()
    return page(
        "partner_portal/people.html",
        partner=partner,
        users=queries.users_of(partner.id),
        actor=current_actor(),
    )
