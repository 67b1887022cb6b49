"""Doors of staff sign-in: in the administration and at the till, reset, invitation, hand-over."""

from __future__ import annotations

import time
from uuid import UUID

from flask import Blueprint, Response, flash, g, request, session, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from tenants.access import public
from tenants.accounts import limits, mails, queries, services, signin
from tenants.accounts.doors import end_own_session, home_of, next_url, pending, signed_in, staff_let_in, to_sign_in
from tenants.accounts.errors import LinkRefused
from tenants.accounts.login import install, let_go
from tenants.accounts.queries import Credentials
from tenants.accounts.rules import SECOND_STEP_LIFE, browser_name
from tenants.accounts.schemas import (
    EmailSchema,
    JoinSchema,
    NewPasswordSchema,
    ProveSchema,
    SecondStepSchema,
    SignInSchema,
)
from tenants.errors import Unauthenticated
from tenants.forms import Form
from tenants.web import page, see_other

bp = Blueprint("accounts", __name__, url_prefix="/admin")
bp.face = "admin"  # type: ignore[attr-defined]
till = Blueprint("till_signin", __name__, url_prefix="/till")
till.face = "till"  # type: ignore[attr-defined]


@bp.record_once
def _install(state: object) -> None:
    install(state.app)  # type: ignore[attr-defined]
    state.app.jinja_env.filters["browser"] = browser_name  # type: ignore[attr-defined]
    state.app.register_error_handler(Unauthenticated, to_sign_in)  # type: ignore[attr-defined]


# ---------------------------------------------------------------- sign-in


@bp.route("/signin", methods=["GET", "POST"])
@till.route("/signin", methods=["GET", "POST"])
@public
def sign_in() -> Response:
    """E-mail and password; then the second step where it is on."""
    if request.method == "GET" and signed_in("staff"):
        return see_other(next_url(g.face))
    form = Form(SignInSchema())
    if form.submit(signin.check_staff, ip=request.remote_addr or ""):
        return _after_password(form.result)
    return form.page("accounts/sign_in.html")


def _after_password(found: Credentials) -> Response:
    if not found.totp_since:
        staff_let_in(found, face=g.face, how="password")
        return see_other(next_url(g.face))
    session.clear()
    session["second"] = {"id": str(found.id), "until": time.time() + SECOND_STEP_LIFE.total_seconds()}
    return see_other(url_for(".second_step", next=request.args.get("next")))


@bp.route("/signin/code", methods=["GET", "POST"])
@till.route("/signin/code", methods=["GET", "POST"])
@public
def second_step() -> Response:
    """The code of the authenticator app, after the password."""
    waiting = pending("second")
    if not waiting or float(waiting["until"]) < time.time():
        return see_other(url_for(".sign_in"))
    account_id = UUID(waiting["id"])
    form = Form(SecondStepSchema())
    if form.submit(signin.check_second_step, account_id=account_id, ip=request.remote_addr or ""):
        account, _member = queries.staff_member(account_id)
        staff_let_in(account, face=g.face, how=form.result)
        return see_other(next_url(g.face))
    return form.page("accounts/second_step.html")


@bp.post("/signout")
@till.post("/signout")
@public
def sign_out() -> Response:
    """End this session. Public, so that a second click does no harm."""
    end_own_session()
    return see_other(url_for(".sign_in"))


# ---------------------------------------------------------------- a lost password


@bp.route("/forgot", methods=["GET", "POST"])
@public
def forgot() -> Response:
    """Ask for a reset link. The answer is the same whether or not the account exists."""
    form = Form(EmailSchema())
    if form.submit():
        email, ip = form.data["email"], request.remote_addr or ""
        limits.spend(limits.CODES_PER_PERSON, "reset", email.lower())
        limits.spend(limits.CODES_PER_ADDRESS, "code-ip", ip)
        found = queries.credentials(email)
        if found and queries.membership(found.id):
            mails.send_reset(found, locale=str(get_locale()))
        return page("accounts/sent.html", email=email)
    return form.page("accounts/forgot.html")


@bp.route("/reset/<token>", methods=["GET", "POST"])
@public
def reset(token: str) -> Response:
    """Set a new password by the link from the mail."""
    try:
        account = services.check_reset(token)
    except LinkRefused as refused:
        return page("accounts/link_refused.html", status=409, error=refused, again=url_for(".forgot"))
    form = Form(NewPasswordSchema())
    if form.submit(services.reset_password, token=token):
        let_go()
        flash(_("Your new password holds. Sign in with it."), "success")
        return see_other(url_for(".sign_in"))
    return form.page("accounts/reset.html", email=account.email)


# ---------------------------------------------------------------- joining


@bp.route("/invitation/<token>", methods=["GET", "POST"])
@public
def accept(token: str) -> Response:
    """Join the staff by an invitation's link: name and password, or the password of an account one has."""
    row = queries.invitation(token)
    if row is None:
        return page("accounts/link_refused.html", status=409, error=LinkRefused(), again="")
    known = queries.credentials(row.email)
    form = Form(ProveSchema() if known else JoinSchema())
    if form.submit(services.accept_invitation, token=token, locale=None if known else str(get_locale())):
        account, _member = queries.staff_member(form.result)
        if known and known.totp_since:
            return see_other(url_for(".sign_in"))
        staff_let_in(account, face="admin", how="invitation")
        return see_other(home_of("admin"))
    return form.page("accounts/accept.html", invitation=row, known=bool(known))


@bp.get("/handover/<token>")
@public
def handover(token: str) -> Response:
    """Arrive from the platform's sign-in."""
    try:
        account = signin.use_handover(token)
    except LinkRefused:
        return see_other(url_for(".sign_in"))
    staff_let_in(account, face="admin", how="handover")
    return see_other(home_of("admin"))
