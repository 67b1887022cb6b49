"""Reads what mail servers send back (RFC 3464 delivery reports). Pure but for the secret it checks with."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import dataclass
from email.message import Message as Mime
from email.utils import getaddresses
from uuid import UUID

from tenants.delivery.smtp import is_dead
from tenants.delivery.tokens import read_bounce_local

_MESSAGE_ID = re.compile(r"<([0-9a-f]{32})\.([0-9a-f]{32})@")
_STATUS = re.compile(r"\b([245])\.\d{1,3}\.\d{1,3}\b")


@dataclass(frozen=True)
class Bounce:
    """One mail given back. `hard`: the address does not exist. Not `final`: the other side still tries."""

    tenant_id: UUID
    message_id: UUID
    hard: bool
    final: bool
    complaint: bool
    reason: str


def read(content: bytes, *, secret: str, recipient: str = "") -> Bounce | None:
    """The bounce in a mail that came back, None when it is something else (an out-of-office note).

    `recipient` is the envelope's, where the mail server gives it; else the To lines are looked at.
    """
    mail = email.message_from_bytes(content, policy=email.policy.compat32)
    report = _report(mail)
    if report is None:
        return None
    named = _named(mail, secret=secret, recipient=recipient)
    if named is None:
        return None
    tenant_id, message_id = named
    if report.get_content_type() == "message/feedback-report":
        return Bounce(tenant_id, message_id, hard=False, final=False, complaint=True, reason="complaint")
    action, status, said = _fields(report)
    if action not in ("failed", "delayed"):
        return None
    final = action == "failed"
    answer = f"{status} {said}".strip()
    return Bounce(
        tenant_id,
        message_id,
        hard=final and is_dead(550, answer),
        final=final,
        complaint=False,
        reason=answer[:500] or action,
    )


def _report(mail: Mime) -> Mime | None:
    kinds = ("message/delivery-status", "message/feedback-report")
    return next((part for part in mail.walk() if part.get_content_type() in kinds), None)


def _fields(report: Mime) -> tuple[str, str, str]:
    """Action, status and diagnostic of the first recipient in a delivery report."""
    groups = report.get_payload()
    whole = isinstance(groups, list)
    blocks = [part for part in groups if isinstance(part, Mime)] if whole else [email.message_from_string(str(groups))]
    for block in blocks:
        action = str(block.get("Action", "")).strip().lower()
        if action:
            status = _STATUS.search(str(block.get("Status", "")))
            said = " ".join(str(block.get("Diagnostic-Code", "")).split()).partition(";")[2].strip()
            return action, status.group(0) if status else "", said
    return "", "", ""


def _named(mail: Mime, *, secret: str, recipient: str) -> tuple[UUID, UUID] | None:
    lines = [str(value) for name in ("To", "Delivered-To", "X-Original-To") for value in mail.get_all(name, [])]
    for _name, address in getaddresses([recipient, *lines]):
        found = read_bounce_local(secret, address.partition("@")[0])
        if found:
            return found
    quoted = _MESSAGE_ID.search(_quoted(mail))
    if quoted is None:
        return None
    # Known to the mail's reader only, who may say that it bounced.
    return UUID(hex=quoted.group(2)), UUID(hex=quoted.group(1))


def _quoted(mail: Mime) -> str:
    for part in mail.walk():
        if part.get_content_type() in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"):
            return part.as_string()
    return ""
