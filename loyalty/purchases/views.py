"""Doors of the staff to purchases and returns."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response

from loyalty.members import queries as members
from loyalty.portal import history
from loyalty.purchases.listings import PURCHASES, RETURNS, purchases, returns
from tenants.access import requires
from tenants.web import page

bp = Blueprint("purchases", __name__, url_prefix="/admin/purchases")
bp.face = "admin"  # type: ignore[attr-defined]


@bp.get("/")
@requires("purchases.view")
def index() -> Response:
    """All purchases."""
    return PURCHASES.respond(purchases(), "purchases/index.html")


@bp.get("/returns")
@requires("purchases.view")
def refunds() -> Response:
    """All returned lines; those whose purchase is not known took no points."""
    return RETURNS.respond(returns(), "purchases/returns.html")


@bp.get("/<uuid:purchase_id>")
@requires("purchases.view")
def show(purchase_id: UUID) -> Response:
    """A purchase: lines, points of each, what came back."""
    bought = history.purchase(purchase_id)
    member = members.member_or_none(bought.member_id)
    return page("purchases/show.html", purchase=bought, member=member)
