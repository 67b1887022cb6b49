"""The link at the foot of a mail: one click ends it, or a choice per purpose. Works without signing in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, current_app, g, url_for

from config.extensions import csrf
from tenants.access import public
from tenants.delivery import feedback, queries
from tenants.delivery.models import Message
from tenants.delivery.phones import masked
from tenants.delivery.schemas import PreferencesSchema
from tenants.delivery.tokens import read_unsubscribe
from tenants.errors import NotFound
from tenants.events import acting_as
from tenants.forms import Form, load
from tenants.web import page, see_other

bp = Blueprint("unsubscribe", __name__, url_prefix="/unsubscribe")
bp.face = "portal"  # type: ignore[attr-defined]
csrf.exempt(bp)  # RFC 8058: the mail program posts without a session; the signed address is what it needs


def _message_id(token: str) -> UUID:
    found = read_unsubscribe(str(current_app.config["SECRET_KEY"]), token, tenant_id=g.tenant.id)
    if found is None:
        raise NotFound
    return found


def _shown(message: Message) -> dict[str, Any]:
    address = queries.address(message.address_id) if message.address_id else None
    wanted = [purpose for purpose in ("programme", "marketing") if address and getattr(address, purpose)]
    return {"shown": masked(message.recipient or ""), "wanted": wanted, "live": address and not address.retired_at}


@bp.get("/<token>")
@public
def show(token: str) -> Response:
    """What we write about, and how to stop it. Changes nothing: link scanners come here too."""
    view = _shown(queries.message(_message_id(token)))
    form = Form(PreferencesSchema(), values={"purposes": view["wanted"]})
    return page("delivery/unsubscribe.html", token=token, form=form, done=False, **view)


@bp.post("/<token>")
@public
def one_click(token: str) -> Response:
    """Unsubscribe from everything that needs consent; also the mail program's own button."""
    with acting_as("recipient"):
        view = _shown(feedback.unsubscribe(_message_id(token)))
    form = Form(PreferencesSchema(), values={"purposes": []})
    return page("delivery/unsubscribe.html", token=token, form=form, done=True, **view)


@bp.post("/<token>/choices")
@public
def choose(token: str) -> Response:
    """Take over a choice per purpose."""
    with acting_as("recipient"):
        feedback.choose_purposes(_message_id(token), purposes=frozenset(load(PreferencesSchema())["purposes"]))
    return see_other(url_for(".show", token=token, saved=1))
