"""Doors of the member portal. Everything is about the member who is signed in, and nobody else."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from loyalty.members import desk
from loyalty.points.services import ensure_programme
from loyalty.points.words import rule_sentence
from loyalty.portal import export, history, queries, shapes
from loyalty.portal.schemas import LANGUAGES, ConsentSchema, MeSchema
from tenants.access import current_actor, member_only
from tenants.accounts.queries import sessions_of
from tenants.accounts.sessions import end_session as end_one_session
from tenants.delivery import contacts
from tenants.delivery import queries as delivery
from tenants.delivery.phones import shown_phone
from tenants.errors import NotFound
from tenants.formats import local_day, now
from tenants.forms import Form, load
from tenants.info import tenant_info
from tenants.ui import forget_language
from tenants.web import page, see_other

bp = Blueprint("portal", __name__)
bp.face = "portal"  # type: ignore[attr-defined]
bp.add_app_template_filter(shown_phone)

PAGE = 40


def _me() -> UUID:
    return current_actor().id


def _ladder() -> queries.Ladder:
    ensure_programme()
    return queries.ladder()


def _tier(face: queries.Face) -> queries.TierView:
    facts = queries.spend_facts(face.id)
    return queries.tier_view(face.standing, ladder=_ladder(), facts=facts, today=local_day())


@bp.get("/")
@member_only
def home() -> Response:
    """The card, three facts, the way to the next tier, the last purchases."""
    me = queries.face(_me(), now=now())
    dated = [lapse for lapse in queries.lapses(me.id, now=now()) if lapse.day]
    bought = history.purchases(me.id, limit=5)
    return page("portal/home.html", me=me, tier=_tier(me), next_lapse=dated[0] if dated else None, purchases=bought)


@bp.get("/code")
@member_only
def code() -> Response:
    """The card's code, as large as the screen."""
    me = queries.face(_me(), now=now())
    return page("portal/code.html", me=me, tier_name=_ladder().name(me.standing.rank))


@bp.get("/tier")
@member_only
def tier() -> Response:
    """Why I have this tier: what counts, what dropped out, how it changed."""
    me, ladder, today = queries.face(_me(), now=now()), _ladder(), local_day()
    facts = queries.spend_facts(me.id)
    moves = queries.moves(me.id, ladder=ladder)
    return page(
        "portal/tier.html",
        tier=queries.tier_view(me.standing, ladder=ladder, facts=facts, today=today),
        levels=ladder.levels,
        counting=shapes.counting(facts, ladder.policy, today=today),
        dropped_minor=shapes.dropped(facts, ladder.policy, today=today),
        window_from=ladder.policy.window_opens_after(today),
        moves=[(move, shapes.move_sentence(move)) for move in moves],
    )


@bp.get("/points")
@member_only
def points() -> Response:
    """My points along time, and every award with what became of it."""
    me, everything = queries.face(_me(), now=now()), bool(request.args.get("all"))
    start = max(0, request.args.get("from", 0, type=int))
    lots = history.awards(me.id, now=now(), everything=everything, limit=PAGE + 1, offset=start)
    lapses = queries.lapses(me.id, now=now())
    more: dict[str, Any] = {"from": start + PAGE} | ({"all": 1} if everything else {})
    return page(
        "portal/points.html",
        me=me,
        lots=lots[:PAGE],
        everything=everything,
        older=url_for(".points", **more) if len(lots) > PAGE else "",
        next_lapse=next((lapse for lapse in lapses if lapse.day), None),
        chart=shapes.lapse_chart(lapses, today=local_day()),
        rule=rule_sentence(queries.rule_document(), currency=tenant_info().currency),
    )


@bp.get("/history", endpoint="history")
@member_only
def history_page() -> Response:
    """My purchases by month, with what came back."""
    before = _instant(request.args.get("before"))
    bought = history.purchases(_me(), limit=PAGE + 1, before=before, with_lines=True)
    shown, more = bought[:PAGE], len(bought) > PAGE
    since = shown[-1].occurred_at if shown and more else None
    loose = history.loose_returns(_me(), before=before, since=since)
    older = url_for(".history", before=since.isoformat()) if since else ""
    return page("portal/history.html", months=shapes.by_month(shown, loose, more=more), older=older)


def _instant(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None


@bp.get("/history/<uuid:purchase_id>")
@member_only
def purchase(purchase_id: UUID) -> Response:
    """One purchase with its lines."""
    return page("portal/purchase.html", purchase=history.purchase(purchase_id, member_id=_me()))


@bp.get("/me")
@member_only
def me() -> Response:
    """My details, my choices, where I am signed in, my data."""
    return page(
        "portal/me.html",
        me=queries.face(_me(), now=now()),
        languages=dict(LANGUAGES),
        addresses=delivery.addresses_of(_me()),
        last_sent=delivery.last_sent(_me()),
        sessions=[(one, shapes.device_name(one.agent)) for one in sessions_of("member", _me())],
        here=current_user.session_id,
    )


@bp.route("/me/edit", methods=["GET", "POST"])
@member_only
def edit() -> Response:
    """Change name, birthday, language."""
    form = Form(MeSchema(), values=queries.face(_me(), now=now()))
    if form.submit(desk.change_own, member_id=_me()):
        flash(_("Saved."), "success")
        return forget_language(see_other(url_for(".me")))
    return form.page("portal/edit.html")


@bp.post("/me/consent/<uuid:address_id>")
@member_only
def consent(address_id: UUID) -> Response:
    """Allow or forbid one purpose at one of my addresses."""
    if address_id not in {address.id for address in delivery.addresses_of(_me())}:
        raise NotFound
    chosen = load(ConsentSchema())
    contacts.set_consent(address_id=address_id, source="portal", **chosen)
    flash(_("Noted.") if chosen["granted"] else _("Noted. We will not write to you about this."), "success")
    return see_other(url_for(".me"))


@bp.post("/me/sessions/<uuid:session_id>/end")
@member_only
def end_session(session_id: UUID) -> Response:
    """Sign another device of mine out."""
    end_one_session(session_id, kind="member", subject_id=_me())
    flash(_("That device is signed out."), "success")
    return see_other(url_for(".me"))


@bp.get("/me/data")
@member_only
def download() -> Response:
    """Everything kept about me, as one JSON file."""
    data = json.dumps(export.everything(_me(), now=now()), ensure_ascii=False, indent=2, default=str)
    headers = {"Content-Disposition": f'attachment; filename="my-data-{local_day()}.json"'}
    return Response(data, mimetype="application/json", headers=headers)
