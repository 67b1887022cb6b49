"""Doors of members and partner users: an address, a one-time code or the link in the mail, and in."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, g, request, session, url_for
from flask_babel import get_locale

from tenants.access import public
from tenants.accounts import mails, signin
from tenants.accounts.doors import end_own_session, home_of, next_url, pending, signed_in
from tenants.accounts.errors import LinkRefused
from tenants.accounts.login import client_address, let_in
from tenants.accounts.people import Subject
from tenants.accounts.schemas import CodeSchema, ContactSchema, EmailSchema
from tenants.accounts.sessions import start_session
from tenants.delivery.phones import channel_of, masked, normalised
from tenants.forms import Form
from tenants.web import page, see_other

member = Blueprint("member_signin", __name__, url_prefix="/me")
member.face = "portal"  # type: ignore[attr-defined]
partner = Blueprint("partner_signin", __name__, url_prefix="/partner")
partner.face = "partner"  # type: ignore[attr-defined]

KINDS = {"portal": "member", "partner": "partner"}


def _kind() -> str:
    return KINDS[g.face]


@member.route("/signin", methods=["GET", "POST"])
@partner.route("/signin", methods=["GET", "POST"])
@public
def sign_in() -> Response:
    """Ask for the address the code goes to."""
    if request.method == "GET" and signed_in(_kind()):
        return see_other(next_url(g.face))
    form = Form(EmailSchema() if _kind() == "partner" else ContactSchema())
    if form.submit(_send):
        return see_other(url_for(".code", next=request.args.get("next")))
    return form.page("accounts/ask_code.html", kind=_kind())


def _send(*, contact: str = "", email: str = "") -> None:
    text = contact or email
    channel = channel_of(text)
    address = normalised(channel, text, country=g.tenant.country, field="contact" if contact else "email")
    kind = _kind()
    sent = signin.make_code(kind=kind, channel=channel, address=address, ip=request.remote_addr or "")
    mails.send_code(sent, kind=kind, locale=str(get_locale()))
    session["code"] = {"id": str(sent.id), "to": masked(address)}


@member.route("/code", methods=["GET", "POST"])
@partner.route("/code", methods=["GET", "POST"])
@public
def code() -> Response:
    """Type the code."""
    waiting = pending("code")
    if not waiting:
        return see_other(url_for(".sign_in"))
    form = Form(CodeSchema())
    if form.submit(_use, code_id=UUID(waiting["id"])):
        _let_in(form.result, how="code")
        return see_other(next_url(g.face))
    return form.page("accounts/code.html", to=waiting["to"], kind=_kind())


def _use(*, code: str, code_id: UUID) -> Subject:
    return signin.use_code(code_id, kind=_kind(), code=code)


@member.route("/link/<token>", methods=["GET", "POST"])
@partner.route("/link/<token>", methods=["GET", "POST"])
@public
def link(token: str) -> Response:
    """The link in the mail asks for one click, because programs that check mails open links too."""
    if request.method == "GET":
        return page("accounts/link.html", kind=_kind())
    try:
        subject = signin.use_link(token, kind=_kind())
    except LinkRefused as refused:
        return page("accounts/link_refused.html", status=409, error=refused, again=url_for(".sign_in"))
    _let_in(subject, how="link")
    return see_other(home_of(g.face))


def _let_in(subject: Subject, *, how: str) -> None:
    ip, agent = client_address()
    kind = _kind()
    token = start_session(kind=kind, subject_id=subject.id, face=g.face, ip=ip, agent=agent, how=how)
    let_in(kind, token)


@member.post("/signout")
@partner.post("/signout")
@public
def sign_out() -> Response:
    """End this session."""
    end_own_session()
    return see_other(url_for(".sign_in"))
