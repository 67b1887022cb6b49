"""The mails of accounts. They are queued in the transaction of the act that they tell of."""

from __future__ import annotations

from tenants.accounts.models import Invitation
from tenants.accounts.queries import Credentials
from tenants.accounts.rules import CODE_LIFE, INVITATION_LIFE, RESET_LIFE
from tenants.accounts.services import reset_token
from tenants.accounts.signin import SentCode
from tenants.delivery.services import send_mail_to, send_to
from tenants.info import tenant_info
from tenants.links import tenant_url

SIGN_IN_PATHS = {"member": "/me", "partner": "/partner"}


def send_code(sent: SentCode, *, kind: str, locale: str | None) -> None:
    """Send a one-time code and its link to whoever has the address; to nobody, nothing."""
    if sent.subject is None:
        return
    send_to(
        channel=sent.channel,
        address=sent.address,
        template="signin_code",
        purpose="signin",
        locale=sent.subject.locale or locale,
        person_kind=kind,
        person_id=sent.subject.id,
        context={
            "name": sent.subject.name,
            "brand": tenant_info().name,
            "code": sent.code,
            "url": tenant_url(f"{SIGN_IN_PATHS[kind]}/link/{sent.link}"),
            "minutes": int(CODE_LIFE.total_seconds() // 60),
        },
    )


def send_reset(found: Credentials, *, locale: str | None) -> None:
    """Send a link to set a new password."""
    token = reset_token(found.id, found.password_hash)
    send_mail_to(
        address=found.email,
        template="reset",
        locale=found.locale or locale,
        person_kind="staff",
        person_id=found.id,
        context={
            "name": found.name,
            "brand": tenant_info().name,
            "url": tenant_url(f"/admin/reset/{token}"),
            "minutes": int(RESET_LIFE.total_seconds() // 60),
        },
    )


def send_invitation(row: Invitation, token: str, *, invited_by: str, locale: str | None) -> None:
    """Send an invitation's link. `invited_by` is a name, empty for a sign-up."""
    send_mail_to(
        address=row.email,
        template="invitation",
        locale=locale,
        context={
            "brand": tenant_info().name,
            "invited_by": invited_by,
            "url": tenant_url(f"/admin/invitation/{token}"),
            "days": INVITATION_LIFE.days,
        },
    )
