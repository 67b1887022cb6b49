"""Doors of the staff to the points: the ledger, the programme and its rule, the proof."""

from __future__ import annotations

from flask import Blueprint, Response, flash, request, url_for
from flask_babel import gettext as _
from marshmallow import ValidationError

from loyalty.points import queries, services
from loyalty.points.listings import LEDGER, entries
from loyalty.points.rules import earn
from loyalty.points.schemas import RuleSchema
from loyalty.points.words import rule_sentence
from tenants.access import requires
from tenants.formats import now
from tenants.forms import Form, Money
from tenants.info import tenant_info
from tenants.web import page, see_other

bp = Blueprint("points", __name__, url_prefix="/admin/points")
bp.face = "admin"  # type: ignore[attr-defined]


@bp.get("/")
@requires("points.view")
def index() -> Response:
    """Every movement of points."""
    return LEDGER.respond(entries(), "points/index.html")


@bp.get("/programme")
@requires("programme.view")
def programme() -> Response:
    """The rule in force as a sentence, its versions, and whether the books agree."""
    services.ensure_programme()
    versions = queries.rule_versions()
    sentences = [(row, rule_sentence(row.document, currency=tenant_info().currency)) for row in versions]
    return page("points/programme.html", versions=sentences, programme=queries.programme())


@bp.route("/programme/edit", methods=["GET", "POST"])
@requires("programme.edit")
def edit() -> Response:
    """Write a new version of the rule: it holds for what is bought from now on."""
    services.ensure_programme()
    form = Form(RuleSchema(), values=queries.rule_versions()[0].document)
    if form.submit(services.publish_rule):
        flash(
            _("Version %(version)s holds from now on. What was earned before stays as it is.", version=form.result),
            "success",
        )
        return see_other(url_for(".programme"))
    return form.page("points/edit.html")


def read_amount(text: str) -> int:
    """An amount as people type it, in minor units; 0 for what is no amount."""
    try:
        return max(0, Money().deserialize(text))
    except ValidationError:
        return 0


@bp.get("/programme/example")
@requires("programme.view")
def example() -> Response:
    """What a purchase of an amount earns under the rule in force."""
    amount = read_amount(request.args.get("amount", ""))
    rule = services.ensure_programme().at(now())
    earned = earn([amount], rule.earning, exponent=services.exponent_of(tenant_info().currency)).points
    return page("points/_example.html", amount=amount, earned=earned)


@bp.post("/prove")
@requires("programme.edit")
def prove() -> Response:
    """Compare every balance with its entries and lots, now."""
    wrong = services.prove_ledger(now=now())
    if wrong:
        flash(_("%(count)s balances differ from their entries. They are listed below.", count=wrong), "danger")
    else:
        flash(_("Every balance is the sum of its entries and of its lots."), "success")
    return see_other(url_for(".programme"))
