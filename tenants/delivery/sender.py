"""Takes due messages, hands them out, writes down what came of it.

A message is claimed for some minutes, marked as handed over in a commit of its own, and only then
spoken to the world; its fate is written right after. So a crash at any point leaves at most one
message in doubt: it is sent once more with the same Message-ID and listed as maybe sent twice.
These functions commit: they must not run inside somebody's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from uuid import UUID

import structlog
from flask import current_app
from jinja2 import TemplateError
from sqlalchemy import and_, case, func, or_, select, update

from config.extensions import db
from config.settings import get_settings
from tenants.delivery import feedback, queries, render, rules, tokens
from tenants.delivery.gateways import closed_channels, gateway
from tenants.delivery.models import Message
from tenants.delivery.parcels import Gateway, Parcel, Permanent, Temporary, Trouble, Unclear
from tenants.delivery.smtp import sender_line
from tenants.info import tenant_info
from tenants.scope import current_tenant_id

BATCH = 100
CLAIM = timedelta(minutes=5)
OPEN = ("queued", "sending", "handed")

log = structlog.get_logger("delivery")


@dataclass(frozen=True)
class Batch:
    """What one round did: how many were taken, and whether a gateway was out of reach."""

    taken: int
    down: bool = False


def send_batch(*, urgent: bool = False, limit: int = BATCH) -> Batch:
    """Claim up to `limit` due messages of the tenant in force and deliver them. `urgent`: codes and links only."""
    now = datetime.now(UTC)
    until = now + CLAIM
    claimed = _claim(now=now, until=until, urgent=urgent, limit=limit)
    by_channel: dict[str, list[Parcel]] = {}
    for message in claimed:
        parcel = _prepare(message)
        if parcel is not None:
            by_channel.setdefault(str(message.channel), []).append(parcel)
    db.session.commit()
    down = False
    for channel, parcels in by_channel.items():
        down |= _deliver_all(channel, parcels, until)
    return Batch(len(claimed), down)


def next_due() -> datetime | None:
    """When the next message of this tenant wants attention, None when none waits."""
    at = case((Message.state == "queued", Message.due_at), else_=Message.claimed_until)
    found: datetime | None = db.session.scalar(select(func.min(at)).where(Message.state.in_(OPEN)))
    return found


# -- claiming ------------------------------------------------------------------------------------


def _claim(*, now: datetime, until: datetime, urgent: bool, limit: int) -> Sequence[Message]:
    asked_for = Message.purpose.in_(sorted(rules.ASKED_FOR))
    wanted = select(Message).where(
        or_(
            and_(Message.state == "queued", Message.due_at <= now),
            and_(Message.state.in_(("sending", "handed")), Message.claimed_until < now),
        )
    )
    if urgent:
        wanted = wanted.where(asked_for)
    wanted = wanted.order_by(asked_for.desc(), Message.due_at).limit(limit).with_for_update(skip_locked=True)
    claimed = db.session.scalars(wanted).all()
    for message in claimed:
        message.claimed_until = until
        if message.state == "handed":
            _in_doubt(message, now)
        else:
            message.state = "sending"
    return claimed


def _in_doubt(message: Message, now: datetime) -> None:
    """Handed over, and nobody knows what came of it: once more with the same Message-ID, then never again."""
    if message.repeated_at is not None:
        message.state, message.error = "failed", "no answer, twice"
        return
    message.repeated_at, message.state = now, "sending"


# -- from row to parcel --------------------------------------------------------------------------


def _prepare(message: Message) -> Parcel | None:
    """The finished message, None when it must not or cannot go; the row then says why."""
    if message.state != "sending":
        _forget_secret(message)
        return None
    reason = _refusal_now(message)
    if reason:
        message.state, message.reason, message.claimed_until = "not_sent", reason, None
        _forget_secret(message)
        return None
    try:
        text = _text_of(message)
    except (LookupError, TemplateError, TypeError, ValueError) as error:
        log.exception("template_failed", template=message.template, message=str(message.id))
        _give_up(message, f"template: {type(error).__name__}: {error}")
        return None
    return _parcel(message, text)


def _refusal_now(message: Message) -> str | None:
    """Consent and lists may have changed since the message was queued."""
    if message.address_id is not None:
        address = queries.address(message.address_id)
        if address.retired_at is not None:
            return "no_address"
        target = queries.as_target(address)
    else:
        target = rules.Target(None, str(message.channel), str(message.recipient))
    return rules.refusal(target, message.purpose, queries.suppressed([target]), closed_channels())


def _text_of(message: Message) -> render.Rendered:
    if message.body_text is not None:
        return render.Rendered(message.subject or "", message.body_text, message.body_html or "")
    text = render.render(message)
    if not message.secret:  # kept for the person's file; a code or a link is not
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


# -- handing over --------------------------------------------------------------------------------


def _deliver_all(channel: str, parcels: Sequence[Parcel], until: datetime) -> bool:
    """Deliver over one connection. Returns whether the gateway was out of reach; the rest waits then."""
    with gateway(channel) as way:
        for at, parcel in enumerate(parcels):
            try:
                way.ready()
            except Temporary as error:
                for left in parcels[at:]:
                    _put_back(left.id, until, str(error))
                db.session.commit()
                return True
            if _hand_over(parcel.id, until):
                _record(parcel.id, _fate(way, parcel))
        db.session.commit()
    return False


def _hand_over(message_id: UUID, until: datetime) -> bool:
    """Mark and commit before a word is said; False when the claim ran out and somebody else has it.

    The same commit carries the fate of the message before, so that each costs one.
    """
    mine = (Message.id == message_id, Message.state == "sending", Message.claimed_until == until)
    marked = {"state": "handed", "handed_at": func.now(), "attempts": Message.attempts + 1}
    # A claim of its own: a slow conversation must not be taken for a dead one.
    marked["claimed_until"] = func.now() + CLAIM
    statement = update(Message).where(*mine).values(marked).execution_options(synchronize_session=False)
    done = db.session.execute(statement)
    db.session.commit()
    return bool(done.rowcount)  # type: ignore[attr-defined]  # a cursor result


def _fate(way: Gateway, parcel: Parcel) -> Trouble | None:
    try:
        way.deliver(parcel)
    except Trouble as error:
        return error
    return None


def _record(message_id: UUID, trouble: Trouble | None) -> None:
    message = queries.message(message_id)
    if trouble is None:
        message.state, message.sent_at, message.claimed_until = "sent", datetime.now(UTC), None
        message.error = None
        _forget_secret(message)
    elif isinstance(trouble, Permanent):
        _give_up(message, str(trouble))
        if trouble.dead:
            feedback.mark_dead(str(message.channel), str(message.recipient), reason=str(trouble))
            message.bounced_at = datetime.now(UTC)
    elif isinstance(trouble, Unclear):
        _unclear(message, str(trouble))
    else:
        _again(message, str(trouble))


def _unclear(message: Message, said: str) -> None:
    now = datetime.now(UTC)
    if message.repeated_at is not None:
        _give_up(message, said)
        return
    message.repeated_at = now
    _again(message, said)


def _again(message: Message, said: str) -> None:
    now = datetime.now(UTC)
    at = rules.next_try(attempts=message.attempts, purpose=message.purpose, created_at=message.created_at, now=now)
    if at is None:
        _give_up(message, said)
        return
    message.state, message.due_at, message.claimed_until, message.error = "queued", at, None, said


def _put_back(message_id: UUID, until: datetime, said: str) -> None:
    mine = (Message.id == message_id, Message.state == "sending", Message.claimed_until == until)
    message = db.session.scalar(select(Message).where(*mine))
    if message is not None:
        message.attempts += 1
        _again(message, said)


def _give_up(message: Message, said: str) -> None:
    message.state, message.error, message.claimed_until = "failed", said, None
    _forget_secret(message)


def _forget_secret(message: Message) -> None:
    """A code or a link is not kept once its message is over."""
    if message.secret:
        message.context, message.body_text, message.body_html = {}, None, None
