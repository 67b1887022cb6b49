"""Doors of one's own account: name, language, password, two-step sign-in, sessions."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, flash, g, url_for
from flask_babel import gettext as _
from flask_login import current_user

from tenants.access import current_actor, requires
from tenants.accounts import queries, second_step, services, sessions, totp
from tenants.accounts.models import SignInSession
from tenants.accounts.schemas import CodeSchema, PasswordSchema, ProfileSchema, ProveSchema
from tenants.forms import Form
from tenants.ui import forget_language
from tenants.web import page, see_other

bp = Blueprint("own", __name__, url_prefix="/admin/account")
bp.face = "admin"  # type: ignore[attr-defined]


@bp.route("/", methods=["GET", "POST"])
@requires("own.account")
def index() -> Response:
    """My name and language; what else there is."""
    me = current_actor().id
    account, secret = queries.own_account(me)
    form = Form(ProfileSchema(), values={"name": account.name, "locale": account.locale or ""})
    if form.submit(services.change_profile, account_id=me):
        flash(_("Saved."), "success")
        return forget_language(see_other(url_for(".index")))
    live = {"live": queries.sessions_of("staff", me), "here": current_user.session_id, "own_session_url": _session_url}
    return form.page("accounts/own.html", account=account, secret=secret, **live)


def _session_url(one: SignInSession) -> str:
    return url_for("own.end_session", session_id=one.id)


@bp.route("/password", methods=["GET", "POST"])
@requires("own.account")
def password() -> Response:
    """Change my password."""
    form = Form(PasswordSchema())
    if form.submit(services.change_password, account_id=current_actor().id, keep_session=current_user.session_id):
        flash(_("Your password was changed. All your other sessions were ended."), "success")
        return see_other(url_for(".index"))
    return form.page("accounts/password.html")


@bp.route("/second-step", methods=["GET", "POST"])
@requires("own.account")
def turn_on() -> Response:
    """Show the QR code, and turn two-step sign-in on with a first code."""
    me = current_actor().id
    account, kept = queries.own_account(me)
    if kept.totp_since:
        return see_other(url_for(".index"))
    secret = second_step.begin(me)
    form = Form(CodeSchema())
    if form.submit(second_step.confirm, account_id=me):
        return page("accounts/recovery_codes.html", codes=form.result)
    uri = totp.provisioning_uri(secret, email=account.email, place=g.tenant.name)
    return form.page("accounts/second_step_on.html", secret=secret, uri=uri)


@bp.route("/second-step/codes", methods=["GET", "POST"])
@requires("own.account")
def renew_codes() -> Response:
    """New recovery codes instead of the old ones."""
    form = Form(ProveSchema())
    if form.submit(second_step.renew_codes, account_id=current_actor().id):
        return page("accounts/recovery_codes.html", codes=form.result)
    return form.page("accounts/prove.html", why="codes")


@bp.route("/second-step/off", methods=["GET", "POST"])
@requires("own.account")
def turn_off() -> Response:
    """Turn two-step sign-in off."""
    form = Form(ProveSchema())
    if form.submit(second_step.turn_off, account_id=current_actor().id):
        flash(_("Two-step sign-in is off."), "success")
        return see_other(url_for(".index"))
    return form.page("accounts/prove.html", why="off")


@bp.post("/sessions/<uuid:session_id>/end")
@requires("own.account")
def end_session(session_id: UUID) -> Response:
    """End one of my sessions."""
    sessions.end_session(session_id, kind="staff", subject_id=current_actor().id)
    flash(_("The session was ended."), "success")
    return see_other(url_for(".index"))


@bp.post("/sessions/end-others")
@requires("own.account")
def end_others() -> Response:
    """End all my sessions here but this one."""
    me = current_actor().id
    sessions.end_sessions(kind="staff", subject_id=me, reason="own", keep=current_user.session_id)
    flash(_("All your other sessions were ended."), "success")
    return see_other(url_for(".index"))
