"""The operator's own account: password and two-step sign-in."""

from __future__ import annotations

from flask import Blueprint, Response, flash, url_for
from flask_babel import gettext as _
from flask_login import current_user

from tenants.access import current_actor, operator_only
from tenants.accounts import queries, second_step, totp
from tenants.accounts.operators import change_operator_password
from tenants.accounts.schemas import CodeSchema, PasswordSchema, ProveSchema
from tenants.directory.console import as_system
from tenants.forms import Form
from tenants.web import page, see_other

bp = Blueprint("operator_account", __name__, url_prefix="/console/account")
bp.face = "console"  # type: ignore[attr-defined]
bp.before_request(as_system)


@bp.get("/")
@operator_only
def index() -> Response:
    """What there is to change."""
    account, secret = queries.own_account(current_actor().id)
    return page("console/account.html", account=account, secret=secret)


@bp.route("/password", methods=["GET", "POST"])
@operator_only
def password() -> Response:
    """Change the password."""
    form = Form(PasswordSchema())
    if form.submit(change_operator_password, account_id=current_actor().id, token=current_user.token):
        flash(_("Your password was changed. All your other sessions were ended."), "success")
        return see_other(url_for(".index"))
    return form.page("console/password.html")


@bp.route("/second-step", methods=["GET", "POST"])
@operator_only
def turn_on() -> Response:
    """Show the QR code, and turn two-step sign-in on with a first code."""
    me = current_actor().id
    account, kept = queries.own_account(me)
    if kept.totp_since:
        return see_other(url_for(".index"))
    secret = second_step.begin(me)
    form = Form(CodeSchema())
    if form.submit(second_step.confirm, account_id=me):
        return page("console/recovery_codes.html", codes=form.result)
    uri = totp.provisioning_uri(secret, email=account.email, place="")
    return form.page("console/second_step_on.html", secret=secret, uri=uri)


@bp.route("/second-step/off", methods=["GET", "POST"])
@operator_only
def turn_off() -> Response:
    """Turn two-step sign-in off."""
    form = Form(ProveSchema())
    if form.submit(second_step.turn_off, account_id=current_actor().id):
        flash(_("Two-step sign-in is off."), "success")
        return see_other(url_for(".index"))
    return form.page("console/prove.html")
