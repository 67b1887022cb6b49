"""Doors of the staff list: who works here, invitations, roles, suspension, removal."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select

from tenants.access import PERMISSIONS, ROLES, current_actor, requires
from tenants.accounts import mails, queries, services, sessions
from tenants.accounts.models import Account, Membership, SignInSession
from tenants.accounts.permission_words import PERMISSION_WORDS
from tenants.accounts.schemas import InviteSchema, RolesSchema
from tenants.errors import NotFound
from tenants.forms import Form
from tenants.listing import Choice, Column, Empty, Listing
from tenants.ui import role_names
from tenants.web import page, see_other

bp = Blueprint("staff", __name__, url_prefix="/admin/staff")
bp.face = "admin"  # type: ignore[attr-defined]


def _find(statement: Select[Any], text: str) -> Select[Any]:
    like = f"%{text.lower()}%"
    return statement.where(Account.name.ilike(like) | Account.email.like(like))


def _by_role(statement: Select[Any], value: str) -> Select[Any]:
    return statement.where(Membership.roles.contains([value]))


def roles_text(roles: list[str]) -> str:
    """Roles as people read them, in the order of the table."""
    names = role_names()
    return ", ".join(names[role] for role in ROLES if role in roles)


STAFF = Listing(
    "staff",
    columns=[
        Column("name", _l("Name"), sort=Account.name),
        Column("email", _l("E-mail"), sort=Account.email),
        Column("roles", _l("Roles"), value=lambda row: roles_text(row.roles)),
        Column("status", _l("Status"), cell="accounts/_cells.html#status", csv=lambda row: row.status),
        Column("joined", _l("Since"), sort=Membership.joined_at, value=lambda row: row.joined_at, format="day"),
    ],
    key=Membership.id,
    sort="name",
    search=_find,
    search_hint=_l("Name or e-mail"),
    filters=[
        Choice("role", _l("Role"), options=lambda: list(role_names().items()), where=_by_role),
        Choice("status", _l("Status"), Membership.status, [("active", _l("Active")), ("suspended", _l("Suspended"))]),
    ],
    link=lambda row: url_for("staff.show", account_id=row.account_id),
    empty=Empty(_l("Nobody here yet"), _l("Invite the people who work with you.")),
)


@bp.get("/")
@requires("staff.view")
def index() -> Response:
    """Everybody on the staff, and open invitations."""
    return STAFF.respond(
        queries.staff(), "accounts/staff.html", invitations=queries.open_invitations, roles_text=roles_text
    )


@bp.route("/invite", methods=["GET", "POST"])
@requires("staff.edit")
def invite() -> Response:
    """Invite somebody by mail."""
    actor = current_actor()
    form = Form(InviteSchema())
    if form.submit(services.invite, invited_by=actor.id):
        row, token = form.result
        mails.send_invitation(row, token, invited_by=actor.name, locale=str(get_locale()))
        flash(_("An invitation is on its way to %(email)s.", email=row.email), "success")
        return see_other(url_for(".index"))
    return form.page("accounts/invite.html")


@bp.get("/roles")
@requires("staff.view")
def roles() -> Response:
    """What each role may do: the permission table as it is enforced."""
    return page("accounts/roles.html", table=PERMISSIONS, roles=ROLES, names=role_names(), said=PERMISSION_WORDS)


@bp.post("/invitations/<uuid:invitation_id>/withdraw")
@requires("staff.edit")
def withdraw(invitation_id: UUID) -> Response:
    """Take an invitation back."""
    services.withdraw_invitation(invitation_id)
    flash(_("The invitation was taken back."), "success")
    return see_other(url_for(".index"))


@bp.route("/<uuid:account_id>", methods=["GET", "POST"])
@requires("staff.edit")
def show(account_id: UUID) -> Response:
    """One person: roles, sessions, suspension."""
    account, member = queries.staff_member(account_id)
    form = Form(RolesSchema(), values={"roles": member.roles})
    if form.submit(services.set_roles, account_id=account_id):
        flash(_("The roles of %(name)s were changed.", name=account.name), "success")
        return see_other(url_for(".index"))
    live = queries.sessions_of("staff", account_id)
    return form.page("accounts/staff_member.html", account=account, member=member, live=live, session_url=_session_url)


def _session_url(one: SignInSession) -> str:
    return url_for("staff.end_session", account_id=one.subject_id, session_id=one.id)


@bp.post("/<uuid:account_id>/status/<status>")
@requires("staff.edit")
def set_status(account_id: UUID, status: str) -> Response:
    """Suspend somebody, or let them in again."""
    if status not in ("active", "suspended"):
        raise NotFound
    services.set_status(account_id, status=status)
    flash(_("Suspended. All sessions were ended.") if status == "suspended" else _("Let in again."), "success")
    return see_other(url_for(".show", account_id=account_id))


@bp.post("/<uuid:account_id>/remove")
@requires("staff.edit")
def remove(account_id: UUID) -> Response:
    """Take somebody off the staff."""
    services.remove_staff(account_id)
    flash(_("Removed from the staff."), "success")
    return see_other(url_for(".index"))


@bp.post("/<uuid:account_id>/sessions/<uuid:session_id>/end")
@requires("staff.edit")
def end_session(account_id: UUID, session_id: UUID) -> Response:
    """End a session of somebody on the staff."""
    queries.staff_member(account_id)
    sessions.end_session(session_id, kind="staff", subject_id=account_id, reason="owner")
    flash(_("The session was ended."), "success")
    return see_other(url_for(".show", account_id=account_id))
