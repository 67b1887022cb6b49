"""Doors of the brand's staff to the partners: list, file, people, notices."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from channels.partners import queries, services
from channels.partners.models import Partner, PartnerNotice
from channels.partners.schemas import (
    STATUSES,
    InternalTermsSchema,
    InviteSchema,
    NoticeSchema,
    PartnerSchema,
)
from tenants.access import requires
from tenants.formats import local_day
from tenants.forms import Form
from tenants.info import tenant_info
from tenants.listing import Choice, Column, Empty, Listing
from tenants.web import page, see_other

bp = Blueprint("partners", __name__, url_prefix="/admin/partners")
bp.face = "admin"  # type: ignore[attr-defined]

PARTNERS = Listing(
    "partners",
    columns=[
        Column("name", _l("Partner"), sort=Partner.name),
        Column("number", _l("Number"), sort=Partner.number),
        Column("territory", _l("Territory")),
        Column(
            "country",
            _l("Country"),
            sort=Partner.country,
            cell="partners/_cells.html#country",
        ),
        Column("since", _l("Since"), sort=Partner.since, format="day"),
        Column("people", _l("People"), format="number"),
        Column(
            "status",
            _l("Status"),
            sort=Partner.status,
            cell="partners/_cells.html#status",
        ),
    ],
    key=Partner.id,
    sort="name",
    search=queries.find_partners,
    search_hint=_l("Name, number or territory"),
    filters=[Choice("status", _l("Status"), Partner.status, STATUSES)],
    link=lambda row: url_for("partners.show", partner_id=row.id),
    empty=Empty(
        _l("No partners yet"),
        _l("Add the companies that sell for you, then invite their people to the partner portal."),
        "partners.new",
        _l("Add a partner"),
    ),
)

NOTICES = Listing(
    "notices",
    columns=[
        Column(
            "title",
            _l("Notice"),
            sort=PartnerNotice.title,
            cell="partners/_cells.html#notice",
            csv=lambda row: row.title,
        ),
        Column(
            "audience",
            _l("For"),
            value=lambda row: row.partner_name or _("All partners"),
        ),
        Column(
            "published_at",
            _l("Published"),
            sort=PartnerNotice.published_at,
            format="moment",
        ),
        Column(
            "state",
            _l("Status"),
            cell="partners/_cells.html#notice_state",
            export=False,
        ),
    ],
    key=PartnerNotice.id,
    sort="-published_at",
    empty=Empty(
        _l("No notices yet"),
        _l("What you publish here stands first in the partner portal."),
        "partners.new_notice",
        _l("Write a notice"),
    ),
)


@bp.get("/")
@requires("partners.view")
def index() -> Response:
    """All partners."""
    return PARTNERS.respond(queries.partners(), "partners/index.html")


@bp.route("/new", methods=["GET", "POST"])
@requires("partners.edit")
def new() -> Response:
    """Take a partner on."""
    form = Form(
        PartnerSchema(),
        values={
            "country": tenant_info().country,
            "since": local_day(),
            "status": "active",
        },
    )
    if form.submit(services.add_partner):
        flash(_("The partner was added."), "success")
        return see_other(url_for(".show", partner_id=form.result.id))
    return form.page("partners/edit.html", partner=None)


@bp.get("/<uuid:partner_id>")
@requires("partners.view")
def show(partner_id: UUID) -> Response:
    """A partner's file."""
    return page(
        "partners/show.html",
        partner=queries.partner(partner_id),
        users=queries.users_of(partner_id),
        notices=queries.notices_for(partner_id, limit=10),
        terms=queries.internal_terms(partner_id),
    )


@bp.route("/<uuid:partner_id>/edit", methods=["GET", "POST"])
@requires("partners.edit")
def edit(partner_id: UUID) -> Response:
    """Change a partner's data."""
    partner = queries.partner(partner_id)
    form = Form(PartnerSchema(), values=partner)
    if form.submit(services.change_partner, partner_id=partner_id):
        flash(_("Saved."), "success")
        return see_other(url_for(".show", partner_id=partner_id))
    return form.page("partners/edit.html", partner=partner)


@bp.route("/<uuid:partner_id>/invite", methods=["GET", "POST"])
@requires("partners.edit")
def invite(partner_id: UUID) -> Response:
    """Let a person of the partner sign in."""
    partner = queries.partner(partner_id)
    form = Form(
        InviteSchema(),
        values={"locale": "zh_Hans" if partner.country == "CN" else "en"},
    )
    if form.submit(services.invite_user, partner_id=partner_id):
        flash(
            _(
                "%(name)s can sign in now and gets a mail that says how.",
                name=form.result.name,
            ),
            "success",
        )
        return see_other(url_for(".show", partner_id=partner_id))
    return form.page("partners/invite.html", partner=partner)


@bp.post("/users/<uuid:user_id>/end")
@requires("partners.edit")
def end_user(user_id: UUID) -> Response:
    """Take a person's access away."""
    user = services.end_user(user_id=user_id)
    flash(_("%(name)s can no longer sign in.", name=user.name), "success")
    return see_other(url_for(".show", partner_id=user.partner_id))


@bp.post("/users/<uuid:user_id>/restore")
@requires("partners.edit")
def restore_user(user_id: UUID) -> Response:
    """Give a person the access back."""
    user = services.restore_user(user_id=user_id)
    flash(_("%(name)s can sign in again.", name=user.name), "success")
    return see_other(url_for(".show", partner_id=user.partner_id))


@bp.route("/<uuid:partner_id>/internal", methods=["GET", "POST"])
@requires("partners.edit")
def internal(partner_id: UUID) -> Response:
    """What only the brand may know of a partner."""
    form = Form(InternalTermsSchema(), values=queries.internal_terms(partner_id) or {})
    if form.submit(services.note_internal_terms, partner_id=partner_id):
        flash(_("Saved."), "success")
        return see_other(url_for(".show", partner_id=partner_id))
    return form.page("partners/internal.html", partner=queries.partner(partner_id))


@bp.get("/notices")
@requires("partners.view")
def notices() -> Response:
    """All notices."""
    return NOTICES.respond(queries.notices(), "partners/notices.html")


@bp.route("/notices/new", methods=["GET", "POST"])
@requires("partners.edit")
def new_notice() -> Response:
    """Tell partners something."""
    form = Form(NoticeSchema())
    if form.submit(services.publish_notice):
        flash(_("The notice stands in the partner portal."), "success")
        return see_other(url_for(".notices"))
    return form.page("partners/notice.html")


@bp.post("/notices/<uuid:notice_id>/withdraw")
@requires("partners.edit")
def withdraw_notice(notice_id: UUID) -> Response:
    """Stop showing a notice."""
    services.withdraw_notice(notice_id=notice_id)
    flash(_("The notice is no longer shown."), "success")
    return see_other(url_for(".notices"))
