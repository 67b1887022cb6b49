"""Doors of the admin: what went out, what was held back and why, the texts, the suppression list."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, current_app, flash, g, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from tenants.access import requires
from tenants.delivery import feedback, labels, queries, render, services, texts
from tenants.delivery.framed import framed, with_frame
from tenants.delivery.listings import MESSAGES, SUPPRESSIONS
from tenants.delivery.rules import segments
from tenants.delivery.schemas import SuppressSchema
from tenants.delivery.tokens import door_token
from tenants.errors import NotFound
from tenants.formats import now
from tenants.forms import Form
from tenants.links import platform_url, tenant_url
from tenants.ui import LANGUAGES
from tenants.web import page, see_other

bp = Blueprint("delivery", __name__, url_prefix="/admin/messages")
bp.face = "admin"  # type: ignore[attr-defined]


@bp.app_template_global("delivery_words")
def _words() -> dict[str, Any]:
    words = {name: getattr(labels, name) for name in dir(labels) if name.isupper()}
    return {**words, "text": texts.label_of}


@bp.get("/")
@requires("messages.view")
def index() -> Response:
    """Every message, newest first, with the last seven days in figures."""
    week = now() - timedelta(days=7)
    figures = {
        "sent": queries.sent_count(since=week),
        "held": queries.held_back(since=week),
        "overdue": queries.overdue_count(before=now() - timedelta(minutes=5)),
        "twice": queries.maybe_twice_count(since=week),
    }
    return MESSAGES.respond(queries.messages(), "delivery/index.html", figures=figures)


@bp.get("/person/<uuid:person_id>")
@requires("messages.view")
def person(person_id: UUID) -> Response:
    """One person's messages."""
    return MESSAGES.respond(queries.messages_to(person_id), "delivery/person.html")


@bp.get("/twice")
@requires("messages.view")
def twice() -> Response:
    """Messages that may have been sent twice."""
    return MESSAGES.respond(queries.maybe_twice(), "delivery/twice.html")


@bp.get("/<uuid:message_id>")
@requires("messages.view")
def show(message_id: UUID) -> Response:
    """One message: its text, its fate, and why."""
    message = queries.message(message_id)
    billed = segments(message.body_text) if message.channel == "sms" and message.body_text else None
    return with_frame(page("delivery/show.html", message=message, billed=billed))


@bp.get("/<uuid:message_id>/html")
@requires("messages.view")
def html(message_id: UUID) -> Response:
    """The mail as it went out, for the frame."""
    return framed(queries.message(message_id).body_html or "")


@bp.post("/<uuid:message_id>/retry")
@requires("messages.edit")
def retry(message_id: UUID) -> Response:
    """Try a failed message again."""
    services.retry(message_id)
    flash(_("It is in the queue again."), "success")
    return see_other(url_for(".show", message_id=message_id))


@bp.get("/templates")
@requires("messages.view")
def templates() -> Response:
    """Every text we send, and when."""
    known = [(kind, render.channels_of(kind.name)) for kind in texts.kinds().values()]
    return page("delivery/templates.html", templates=known)


@bp.get("/templates/<name>")
@requires("messages.view")
def template(name: str) -> Response:
    """A text in one language, with invented figures."""
    language, channel = _language(), request.args.get("channel", "email")
    text = _sample(name, language=language, channel=channel)
    billed = segments(text.text) if channel == "sms" else None
    shown: dict[str, Any] = {
        "name": name,
        "language": language,
        "channel": channel,
        "channels": render.channels_of(name),
    }
    return with_frame(page("delivery/template.html", text=text, languages=LANGUAGES, billed=billed, **shown))


@bp.get("/templates/<name>/html")
@requires("messages.view")
def template_html(name: str) -> Response:
    """The preview's frame."""
    return framed(_sample(name, language=_language(), channel="email").html)


def _language() -> str:
    wanted = request.args.get("language", "")
    return wanted if wanted in dict(LANGUAGES) else str(get_locale())


def _sample(name: str, *, language: str, channel: str) -> render.Rendered:
    kind = texts.kinds().get(name)
    if kind is None or channel not in render.channels_of(name):
        raise NotFound
    link = tenant_url("/unsubscribe/…") if kind.contact else ""
    context = {"brand": g.tenant.name, **kind.sample}
    return render.render_template_of(name, channel=channel, locale=language, context=context, unsubscribe_url=link)


@bp.get("/suppressions")
@requires("messages.view")
def suppressions() -> Response:
    """Addresses that must not be written to; those who may edit put more on the list."""
    form = Form(SuppressSchema(), values={})
    return SUPPRESSIONS.respond(queries.suppressions(), "delivery/suppressions.html", form=form)


@bp.post("/suppressions/add")
@requires("messages.edit")
def suppress() -> Response:
    """Put an address on the list."""
    form = Form(SuppressSchema())
    if form.submit(feedback.suppress_by_hand):
        flash(_("This address is not written to any more."), "success")
        return see_other(url_for(".suppressions"))
    return form.page("delivery/suppress.html")


@bp.post("/suppressions/<uuid:suppression_id>/remove")
@requires("messages.edit")
def unsuppress(suppression_id: UUID) -> Response:
    """Take an address off the list."""
    feedback.unsuppress(suppression_id)
    flash(_("Taken off the list. Consents stay as they are."), "success")
    return see_other(url_for(".suppressions"))


@bp.get("/doors")
@requires("settings.edit")
def doors() -> Response:
    """Where gateways report to, with their tokens."""
    secret = str(current_app.config["SECRET_KEY"])
    known = [
        (_("Replies to texts"), tenant_url("/hooks/sms/reply"), door_token(secret, "sms", g.tenant.id)),
        (_("Delivery reports"), tenant_url("/hooks/report"), door_token(secret, "report", g.tenant.id)),
    ]
    return page("delivery/doors.html", doors=known, bounce_url=platform_url("/hooks/mail/bounce"))
