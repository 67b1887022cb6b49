"""The admin's list of products."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from tenants.access import requires
from tenants.catalogue import queries, services
from tenants.catalogue.models import Category, Product
from tenants.catalogue.schemas import STATUSES, NewProductSchema, ProductSchema
from tenants.forms import Form
from tenants.listing import Choice, Column, Empty, Listing
from tenants.web import see_other

bp = Blueprint("catalogue", __name__, url_prefix="/admin/products")
bp.face = "admin"  # type: ignore[attr-defined]

_LABELS = dict(STATUSES)

PRODUCTS = Listing(
    "products",
    columns=[
        Column("sku", _l("SKU"), sort=Product.sku),
        Column("name", _l("Name"), sort=Product.name),
        Column("category", _l("Category"), sort=Category.name),
        Column("status", _l("Status"), value=lambda row: _LABELS[row.status]),
        Column("created_at", _l("Known since"), sort=Product.created_at, format="day"),
    ],
    key=Product.id,
    sort="sku",
    search=queries.find_products,
    search_hint=_l("SKU or a part of the name"),
    filters=[Choice("status", _l("Status"), Product.status, list(STATUSES))],
    link=lambda row: url_for("catalogue.edit", product_id=row.id),
    empty=Empty(
        _l("No products yet"),
        _l("They come with the first purchases, or add one here."),
        "catalogue.new",
        _l("Add a product"),
    ),
)


@bp.get("/")
@requires("catalogue.view")
def index() -> Any:
    """All products."""
    return PRODUCTS.respond(queries.products(), "catalogue/index.html")


@bp.route("/new", methods=["GET", "POST"])
@requires("catalogue.edit")
def new() -> Response:
    """Add a product by hand."""
    form = Form(NewProductSchema())
    if form.submit(services.add_product):
        flash(_("The product was added."), "success")
        return see_other(url_for(".index"))
    return form.page("catalogue/edit.html", product=None)


@bp.route("/<uuid:product_id>", methods=["GET", "POST"])
@requires("catalogue.edit")
def edit(product_id: UUID) -> Response:
    """Change a product."""
    product = queries.product(product_id)
    form = Form(ProductSchema(), values=services.field_values(product))
    if form.submit(services.change_product, product_id=product_id):
        flash(_("The product was changed."), "success")
        return see_other(url_for(".index"))
    return form.page("catalogue/edit.html", product=product)
