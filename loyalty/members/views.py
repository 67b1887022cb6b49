"""Doors of the staff to the members: list, one member's page, add, change, replace a card."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, flash, url_for
from flask_babel import gettext as _

from loyalty.members import desk
from loyalty.members import queries as members
from loyalty.members import timeline as line
from loyalty.members.listings import MEMBERS
from loyalty.members.models import Member
from loyalty.members.schemas import LANGUAGES, MemberSchema
from loyalty.points.queries import movements
from loyalty.points.services import ensure_programme
from loyalty.portal import history, queries, shapes
from tenants.access import may, requires
from tenants.delivery import queries as delivery
from tenants.delivery.labels import REASONS
from tenants.formats import local_day, now
from tenants.forms import Form
from tenants.web import page, see_other

bp = Blueprint("members", __name__, url_prefix="/admin/members")
bp.face = "admin"  # type: ignore[attr-defined]


@bp.get("/")
@requires("members.view")
def index() -> Response:
    """All members."""
    return MEMBERS.respond(members.members_select(), "members/index.html")


@bp.route("/new", methods=["GET", "POST"])
@requires("members.edit")
def new() -> Response:
    """Add a member; somebody known by the same address is found before."""
    form = Form(MemberSchema())
    if form.submit(desk.add_member):
        flash(_("%(name)s is a member now.", name=form.result.name), "success")
        return see_other(url_for(".show", member_id=form.result.id))
    return form.page("members/edit.html", member=None)


@bp.get("/<uuid:member_id>")
@requires("members.view")
def show(member_id: UUID) -> Response:
    """A member: card, tier and why, points, consents, one time line."""
    ensure_programme()
    face, ladder, today = queries.face(member_id, now=now()), queries.ladder(), local_day()
    facts = queries.spend_facts(member_id)
    lapses = queries.lapses(member_id, now=now())
    return page(
        "members/show.html",
        member=face,
        tier=queries.tier_view(face.standing, ladder=ladder, facts=facts, today=today),
        counting=shapes.counting(facts, ladder.policy, today=today),
        dropped_minor=shapes.dropped(facts, ladder.policy, today=today),
        window_from=ladder.policy.window_opens_after(today),
        next_lapse=next((lapse for lapse in lapses if lapse.day), None),
        chart=shapes.lapse_chart(lapses, today=today),
        addresses=delivery.addresses_of(member_id),
        last_sent=delivery.last_sent(member_id),
        languages=dict(LANGUAGES),
        timeline=_timeline(member_id, ladder),
    )


def _timeline(member_id: UUID, ladder: queries.Ladder) -> list[line.Item]:
    items: list[line.Item | None] = [line.purchase_item(one) for one in history.purchases(member_id, limit=30)]
    items += [line.loose_item(one) for one in history.loose_returns(member_id)]
    items += [line.move_item(one) for one in queries.moves(member_id, ladder=ladder)]
    items += [line.entry_item(one) for one in movements(member_id, limit=60)]
    if may("messages.view"):
        items += [line.message_item(one, reasons=REASONS) for one in delivery.messages_of(member_id, limit=30)]
    return line.timeline(items)


@bp.get("/<uuid:member_id>/points")
@requires("points.view")
def points(member_id: UUID) -> Response:
    """A member's awards, each with what became of it."""
    face = queries.face(member_id, now=now())
    lots = history.awards(member_id, now=now(), everything=True, limit=200)
    return page("members/points.html", member=face, lots=lots)


@bp.route("/<uuid:member_id>/edit", methods=["GET", "POST"])
@requires("members.edit")
def edit(member_id: UUID) -> Response:
    """Change what is known of a member."""
    member = members.member(member_id)
    form = Form(MemberSchema(), values=_known(member))
    if form.submit(desk.change_member, member_id=member_id):
        flash(_("Saved."), "success")
        return see_other(url_for(".show", member_id=member_id))
    return form.page("members/edit.html", member=member)


def _known(member: Member) -> dict[str, object]:
    """A member as the form starts: consents are those of the first address."""
    found = delivery.addresses_of(member.id)
    values = {address.channel: address.value for address in found}
    return {
        **{name: getattr(member, name) for name in ("name", "number", "birthday", "locale")},
        "email": values.get("email", ""),
        "phone": values.get("sms", ""),
        "programme": any(address.programme for address in found),
        "marketing": any(address.marketing for address in found),
    }


@bp.post("/<uuid:member_id>/card")
@requires("members.edit")
def replace_card(member_id: UUID) -> Response:
    """Give the member a new card."""
    card = desk.replace_card(member_id=member_id)
    flash(_("The new card is %(number)s. The old one opens nothing any more.", number=card.number), "success")
    return see_other(url_for(".show", member_id=member_id))
