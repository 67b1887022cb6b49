"""From a claimed row to a finished message: may it still go, and what does it say.

Consent and lists may have changed since the message was queued, so they are asked once more, for the
whole batch at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from email.utils import parseaddr
from typing import Any
from uuid import UUID

import structlog
from flask import current_app
from jinja2 import TemplateError

from config.settings import get_settings
from tenants.delivery import queries, render, rules, tokens
from tenants.delivery.gateways import closed_channels
from tenants.delivery.models import Address, Message
from tenants.delivery.parcels import Parcel
from tenants.delivery.smtp import sender_line
from tenants.info import tenant_info
from tenants.scope import current_tenant_id

# A code or a link is not kept once its message is over.
NOTHING_LEFT: dict[str, Any] = {"context": {}, "subject": None, "body_text": None, "body_html": None}

log = structlog.get_logger("delivery")


def pack(claimed: Sequence[Message]) -> Iterator[tuple[Message, Parcel]]:
    """The messages that may go, finished; the rows of the others say why not."""
    waiting = [message for message in claimed if message.state == "sending"]
    for message in claimed:
        if message.state != "sending":
            forget_secret(message)
    addresses = queries.addresses_by_id({message.address_id for message in waiting if message.address_id})
    targets = {message.id: _target(message, addresses) for message in waiting}
    suppressed = queries.suppressed(target for target in targets.values() if target)
    for message in waiting:
        parcel = _pack(message, targets[message.id], suppressed)
        if parcel is not None:
            yield message, parcel


def _target(message: Message, addresses: Mapping[UUID, Address]) -> rules.Target | None:
    """Where it goes; None when the address was replaced or taken away meanwhile."""
    if message.address_id is None:
        return rules.Target(None, str(message.channel), str(message.recipient))
    address = addresses.get(message.address_id)
    return queries.as_target(address) if address is not None and address.retired_at is None else None


def _pack(message: Message, target: rules.Target | None, suppressed: rules.Suppressed) -> Parcel | None:
    reason = rules.refusal(target, message.purpose, suppressed, closed_channels()) if target else "no_address"
    if reason:
        message.state, message.reason, message.claimed_until = "not_sent", reason, None
        forget_secret(message)
        return None
    try:
        text = _text_of(message)
    except (LookupError, TemplateError, TypeError, ValueError) as error:
        log.exception("template_failed", template=message.template, message=str(message.id))
        give_up(message, f"template: {type(error).__name__}: {error}")
        return None
    return _parcel(message, text)


def _text_of(message: Message) -> render.Rendered:
    if message.body_text is not None:
        return render.Rendered(message.subject or "", message.body_text, message.body_html or "")
    text = render.render(message)
    if not message.secret:  # kept for the person's file
        message.subject, message.body_text, message.body_html = text.subject, text.text, text.html or None
    return text


def _parcel(message: Message, text: render.Rendered) -> Parcel:
    settings = get_settings()
    headers = {}
    if message.purpose in rules.CONTACT and message.channel == "email":
        headers["List-Unsubscribe"] = f"<{render.unsubscribe_url(message.id)}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return Parcel(
        id=message.id,
        recipient=str(message.recipient),
        text=text.text,
        created_at=message.created_at,
        subject=text.subject,
        html=text.html,
        message_id=message.message_id or "",
        sender=sender_line(settings.mail_from, name=tenant_info().name),
        envelope_from=_envelope_from(message.id),
        headers=headers,
        secret=message.secret,
    )


def _envelope_from(message_id: UUID) -> str:
    """Where bounces go: an address that names the message, or simply where mail comes from."""
    settings = get_settings()
    name, at, host = settings.bounce_address.partition("@")
    if not at:
        return parseaddr(settings.mail_from)[1]
    secret = str(current_app.config["SECRET_KEY"])
    local = tokens.bounce_local(secret, name, tenant_id=current_tenant_id(), message_id=message_id)
    return f"{local}@{host}"


def give_up(message: Message, said: str) -> None:
    """The message failed for good; `said` is why."""
    message.state, message.error, message.claimed_until = "failed", said, None
    forget_secret(message)


def forget_secret(message: Message) -> None:
    """Wipe what lets its reader in."""
    if message.secret:
        for name, value in NOTHING_LEFT.items():
            setattr(message, name, value)
