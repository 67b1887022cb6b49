"""A page with every macro, for the browser tests: no tenant, no table."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, request
from marshmallow import fields, validate

from tenants.access import public
from tenants.formats import now
from tenants.forms import Form, FormSchema, Money
from tenants.web import page, see_other

bp = Blueprint("kit", __name__, url_prefix="/kit")
bp.face = "any"  # type: ignore[attr-defined]

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
GIVEN = [3200, 5100, 4700, 7200, 8100, 6400, 9300, 11200, 10100, 13400, 12100, 15800]
CHART = {
    "x": MONTHS,
    "series": [
        {"label": "Given", "values": GIVEN, "kind": "bar"},
        {"label": "Burned", "values": [value // 2 for value in GIVEN]},
    ],
}


class Person(FormSchema):
    name = fields.String(required=True, validate=validate.Length(max=20), metadata={"label": "Name", "width": "half"})
    email = fields.Email(required=True, metadata={"label": "E-mail", "hint": "At work", "width": "half"})
    limit = Money(load_default=None, metadata={"label": "Limit"})
    role = fields.String(metadata={"label": "Role", "options": [("a", "Owner"), ("b", "Manager")]})
    way = fields.String(metadata={"label": "Way", "kind": "radio", "options": [("m", "Mail"), ("s", "SMS")]})
    days = fields.List(fields.String(), metadata={"label": "Days", "options": [("1", "Mon"), ("2", "Tue")]})
    loud = fields.Boolean(metadata={"label": "Loud"})
    born = fields.Date(metadata={"label": "Birthday"})
    secret = fields.String(metadata={"label": "Password", "kind": "password"})
    colour = fields.String(metadata={"label": "Colour", "kind": "colour"})
    note = fields.String(load_default="", metadata={"label": "Note", "kind": "textarea"})


@bp.get("/<any(admin, portal, till, platform):face>")
@public
def show(face: str) -> Response:
    """The macros within a face's layout."""
    then = now() - timedelta(days=200)
    return page("kit.html", layout=f"layouts/{face}.html", chart=CHART, now=now(), then=then)


@bp.route("/form", methods=["GET", "POST"])
@public
def form() -> Response:
    """A form with every kind of field."""
    shown = Form(Person(), values={"name": "Ada", "limit": 1250, "colour": "#1f5eff", "way": "m", "days": ["2"]})
    if shown.submit():
        return see_other("/kit/admin")
    return shown.page("kit_form.html")


@bp.get("/progress")
@public
def progress() -> Response:
    """Work that is half done, and done when asked again."""
    return page("kit_progress.html", running=request.headers.get("HX-Request") is None)


@bp.post("/gone")
@public
def gone() -> Response:
    """What a confirmed button reaches."""
    return see_other("/kit/platform")
