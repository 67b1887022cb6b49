"""Doors of the directory: product page, sign-up, branding."""

from __future__ import annotations

from flask import Blueprint, Response

from tenants.access import public
from tenants.web import page

bp = Blueprint("directory", __name__)
bp.face = "platform"  # type: ignore[attr-defined]


@bp.get("/welcome")
@public
def welcome() -> Response:
    """The product page, at / outside every tenant."""
    return page("directory/welcome.html")
