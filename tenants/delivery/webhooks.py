"""Doors for gateways and mail servers: replies, reports and bounces. Each asks for its token."""

from __future__ import annotations

import hmac
from uuid import UUID

from flask import Blueprint, Response, current_app, g, jsonify, request

from config.extensions import csrf
from tenants.access import public
from tenants.delivery import bounces, feedback
from tenants.delivery.schemas import ReplySchema, ReportSchema
from tenants.delivery.tokens import door_token
from tenants.errors import NotFound, Unauthenticated
from tenants.events import acting_as
from tenants.scope import tenant_scope

bp = Blueprint("hooks", __name__, url_prefix="/hooks")
bp.face = "any"  # type: ignore[attr-defined]  # bounces come to the installation, everything else to a tenant
csrf.exempt(bp)


def _check(door: str, tenant_id: UUID | None) -> None:
    """Raises Unauthenticated unless the caller shows the door's token, as bearer or as `token` in the address."""
    wanted = door_token(str(current_app.config["SECRET_KEY"]), door, tenant_id)
    given = request.headers.get("Authorization", "").removeprefix("Bearer ") or request.args.get("token", "")
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        raise Unauthenticated


def _tenant_door(door: str) -> None:
    if g.tenant is None:
        raise NotFound
    _check(door, g.tenant.id)


@bp.post("/sms/reply")
@public
def sms_reply() -> Response:
    """A text came back: {from, text}. STOP (also TD, 退订) ends texts to that number."""
    _tenant_door("sms")
    reply = ReplySchema().load(request.get_json(silent=True) or request.form.to_dict())
    with acting_as("recipient"):
        return jsonify(understood=feedback.text_reply(**reply))


@bp.post("/report")
@public
def report() -> Response:
    """What became of a message: {id, state, reason}. `bounced` and `unknown_number` end the address."""
    _tenant_door("report")
    told = ReportSchema().load(request.get_json(silent=True) or request.form.to_dict())
    return jsonify(known=feedback.reported(told["id"], state=told["state"], reason=told["reason"]))


@bp.post("/mail/bounce")
@public
def mail_bounce() -> Response:
    """A mail that came back, as it is (RFC 3464), piped here by the mail server; `recipient` is the envelope's."""
    if g.tenant is not None:
        raise NotFound
    _check("bounce", None)
    secret, recipient = str(current_app.config["SECRET_KEY"]), request.args.get("recipient", "")
    bounce = bounces.read(request.get_data(), secret=secret, recipient=recipient)
    if bounce is None:
        return jsonify(known=False)
    g.stack.enter_context(tenant_scope(bounce.tenant_id))
    return jsonify(known=feedback.given_back(bounce))
