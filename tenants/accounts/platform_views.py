"""Doors of sign-in outside all tenants: who are you, where do you work, and in by a one-time token."""

from __future__ import annotations

import time
from uuid import UUID

from flask import Blueprint, Response, request, session, url_for
from flask_babel import get_locale

from config.extensions import db
from tenants.access import public
from tenants.accounts import limits, mails, queries, signin
from tenants.accounts.doors import pending
from tenants.accounts.queries import Credentials
from tenants.accounts.rules import SECOND_STEP_LIFE
from tenants.accounts.schemas import EmailSchema, SecondStepSchema, SignInSchema
from tenants.forms import Form
from tenants.info import find_tenant
from tenants.links import tenant_url
from tenants.scope import tenant_scope
from tenants.web import page, see_other

bp = Blueprint("signin", __name__, url_prefix="/signin")
bp.face = "platform"  # type: ignore[attr-defined]


def _remember(name: str, found_id: UUID) -> None:
    session.clear()
    session[name] = {"id": str(found_id), "until": time.time() + SECOND_STEP_LIFE.total_seconds()}


def _remembered(name: str) -> UUID | None:
    kept = pending(name)
    return UUID(kept["id"]) if kept and float(kept["until"]) > time.time() else None


@bp.route("", methods=["GET", "POST"])
@public
def sign_in() -> Response:
    """E-mail and password, wherever one works."""
    form = Form(SignInSchema())
    if form.submit(signin.check_password, ip=request.remote_addr or ""):
        found: Credentials = form.result
        _remember("second" if found.totp_since else "who", found.id)
        return see_other(url_for(".second_step" if found.totp_since else ".choose"))
    return form.page("accounts/sign_in.html")


@bp.route("/code", methods=["GET", "POST"])
@public
def second_step() -> Response:
    """The code of the authenticator app."""
    account_id = _remembered("second")
    if account_id is None:
        return see_other(url_for(".sign_in"))
    form = Form(SecondStepSchema())
    if form.submit(signin.check_second_step, account_id=account_id, ip=request.remote_addr or ""):
        _remember("who", account_id)
        return see_other(url_for(".choose"))
    return form.page("accounts/second_step.html")


@bp.get("/places")
@public
def choose() -> Response:
    """The tenants one may enter; a single one is entered at once."""
    account_id = _remembered("who")
    if account_id is None:
        return see_other(url_for(".sign_in"))
    places = signin.places_of(account_id)
    return _enter(account_id, places[0].slug) if len(places) == 1 else page("accounts/places.html", places=places)


@bp.post("/places/<slug>")
@public
def enter(slug: str) -> Response:
    """Go into one of them."""
    account_id = _remembered("who")
    return _enter(account_id, slug) if account_id else see_other(url_for(".sign_in"))


def _enter(account_id: UUID, slug: str) -> Response:
    token = signin.make_handover(account_id, slug=slug)
    return see_other(tenant_url(f"/admin/handover/{token}", find_tenant(slug=slug)))


@bp.route("/forgot", methods=["GET", "POST"])
@public
def forgot() -> Response:
    """Ask for a reset link; it leads into the first tenant one works for."""
    form = Form(EmailSchema())
    if form.submit():
        _ask_for_reset(form.data["email"], ip=request.remote_addr or "")
        return page("accounts/sent.html", email=form.data["email"])
    return form.page("accounts/forgot.html")


def _ask_for_reset(email: str, *, ip: str) -> None:
    limits.spend(limits.CODES_PER_PERSON, "reset", email.lower())
    limits.spend(limits.CODES_PER_ADDRESS, "code-ip", ip)
    found = queries.credentials(email)
    places = signin.places_of(found.id) if found else []
    tenant = find_tenant(slug=places[0].slug) if places else None
    db.session.rollback()  # a scope cannot be entered inside a transaction
    if found and tenant:
        with tenant_scope(tenant.id):
            mails.send_reset(found, locale=str(get_locale()))
            db.session.commit()  # ast-grep-ignore: commit-outside-edge (a tenant other than the request's, which has none)
