"""A first look with made-up sales: they go through the real import, and its undo takes them out again."""

from __future__ import annotations

from flask import Blueprint, Response, flash, url_for
from flask_babel import gettext as _

from loyalty.start.sample import sample_sales
from tenants.access import requires
from tenants.imports import services as imports
from tenants.web import see_other

bp = Blueprint("samples", __name__, url_prefix="/admin/samples")
bp.face = "admin"  # type: ignore[attr-defined]


@bp.post("/sales")
@requires("imports.run")
def sales() -> Response:
    """Upload the made-up file for them and go on as with any other."""
    options = {"shift_to_today": True, "create_members": True}
    found = imports.create("purchases", name="sample-sales.csv", data=sample_sales(), options=options)
    flash(_("This is a made-up file. Go on as with your own; one click on its page takes everything back."), "info")
    return see_other(url_for("imports.mapping", import_id=found.id))
