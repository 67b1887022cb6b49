"""Doors of the till: find a member, ring up, show the result."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from babel.numbers import get_decimal_symbol
from flask import Blueprint, Response, request, url_for

from loyalty.members.listings import find_members
from loyalty.members.queries import members_select
from loyalty.points.services import ensure_programme
from loyalty.points.views import read_amount
from loyalty.portal import history
from loyalty.portal import queries as portal
from loyalty.till import queries, services
from loyalty.till.schemas import SaleSchema
from tenants.access import requires
from tenants.errors import AppError, Malformed
from tenants.formats import local_day, now, number_locale
from tenants.forms import load
from tenants.web import page, see_other

bp = Blueprint("till", __name__, url_prefix="/till")
bp.face = "till"  # type: ignore[attr-defined]


@bp.get("/", strict_slashes=False)
@requires("till.use")
def index() -> Response:
    """Who is it? A scan or a number opens the member; a name or phone lists who it may be."""
    text = request.args.get("q", "").strip()
    member_id = queries.exact(text) if text else None
    if member_id is not None:
        return see_other(url_for(".member", member_id=member_id))
    rows = queries.found(find_members(members_select(), text)) if text else []
    old = queries.old_card(text) if text and not rows else None
    ladder = portal.ladder_or_none()
    return page("till/index.html", text=text, rows=rows, old_card=old, ladder=ladder, token=uuid4())


@bp.get("/members/<uuid:member_id>")
@requires("till.use")
def member(member_id: UUID) -> Response:
    """Who it is, and the field for the amount."""
    return _sale_page(member_id)


def _sale_page(member_id: UUID, *, error: AppError | None = None, typed: str = "", token: str = "") -> Response:
    ensure_programme()
    face = portal.face(member_id, now=now())
    facts = portal.spend_facts(member_id)
    tier = portal.tier_view(face.standing, ladder=portal.ladder(), facts=facts, today=local_day())
    bought = history.purchases(member_id, limit=3)
    status = error.status if error else 200
    sale: dict[str, Any] = {"error": error, "typed": typed, "token": token or uuid4(), "point": decimal_sign()}
    return page(
        "till/member.html", status=status, member=face, tier=tier, bought=bought, birthday=_birthday(face), **sale
    )


def decimal_sign() -> str:
    """What parts an amount's decimals, for the pad."""
    return str(get_decimal_symbol(number_locale()))


def _birthday(face: portal.Face) -> bool:
    today = local_day()
    return face.birthday is not None and (face.birthday.month, face.birthday.day) == (today.month, today.day)


@bp.get("/earns")
@requires("till.use")
def earns() -> Response:
    """What an amount would earn, while it is typed."""
    amount = read_amount(request.args.get("amount", ""))
    return page("till/_earns.html", amount=amount, earned=services.would_earn(amount) if amount else 0)


@bp.post("/members/<uuid:member_id>/sale")
@requires("till.use")
def sale(member_id: UUID) -> Response:
    """Ring up for a member. A card scanned into the amount field opens that member instead."""
    typed = request.form.get("amount", "").strip()
    if queries.is_scan(typed):
        return see_other(url_for(".index", q=typed))
    try:
        done = _ring_up(member_id)
    except AppError as error:
        return _sale_page(member_id, error=error, typed=typed, token=request.form.get("token", ""))
    return see_other(url_for(".result", purchase_id=done))


@bp.post("/sale")
@requires("till.use")
def sale_without_card() -> Response:
    """Ring up for somebody without a card."""
    try:
        done = _ring_up(None)
    except Malformed as error:
        rows: list[object] = []
        return page(
            "till/index.html", status=422, text="", rows=rows, old_card=None, ladder=None, token=uuid4(), error=error
        )
    return see_other(url_for(".result", purchase_id=done))


def _ring_up(member_id: UUID | None) -> UUID | None:
    given = load(SaleSchema())
    return services.ring_up(token=given["token"], amount_minor=given["amount"], member_id=member_id, place=None).id


@bp.get("/sales/<uuid:purchase_id>")
@requires("till.use")
def result(purchase_id: UUID) -> Response:
    """What the sale earned and what the member has now."""
    bought = history.purchase(purchase_id)
    face = portal.face(bought.member_id, now=now()) if bought.member_id else None
    known = portal.ladder_or_none()
    tier_name = known.name(face.standing.rank) if known and face else ""
    return page("till/result.html", purchase=bought, member=face, tier_name=tier_name)
