"""Verbs of accounts and staff: invite, accept, change roles, suspend, remove; one's own account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask_babel import lazy_gettext as _l
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import delete, or_, select, text

from config.extensions import db
from config.settings import get_settings
from tenants.access import OWNER, ROLES
from tenants.accounts import operators, passwords, queries, rules
from tenants.accounts.errors import LastOwner, LinkRefused, SignInRefused
from tenants.accounts.facts import (
    InvitationWithdrawn,
    PasswordChanged,
    RolesChanged,
    StaffInvited,
    StaffJoined,
    StaffStatusChanged,
)
from tenants.accounts.models import Account, Handover, Invitation, Membership, SignInCode, SignInSession
from tenants.accounts.sessions import end_sessions, start_session
from tenants.accounts.signin import cheap
from tenants.errors import Conflict, Malformed, NotFound
from tenants.events import record
from tenants.ids import new_id

__all__ = [
    "accept_invitation",
    "change_password",
    "change_profile",
    "create_operator",
    "create_staff",
    "invite",
    "remove_staff",
    "reset_password",
    "set_roles",
    "set_status",
    "start_session",
]


def _roles(given: Sequence[str]) -> list[str]:
    unknown = sorted(set(given) - set(ROLES))
    if unknown or not given:
        raise Malformed({"roles": [_l("Choose at least one role.")]}, unknown=unknown)
    return [role for role in ROLES if role in given]


def _new_hash(password: str, *, email: str, field: str = "password") -> str:
    faults = rules.password_faults(password, email=email)
    if faults:
        raise Malformed({field: faults})
    return passwords.hash_password(password, cheap=cheap())


def _make_account(*, email: str, name: str, password: str, locale: str | None) -> UUID:
    kept = _new_hash(password, email=email)
    query = text("SELECT create_account(:email, :name, :hash, :locale)")
    values = {"email": rules.normal_email(email), "name": name, "hash": kept, "locale": locale}
    account_id: UUID = db.session.scalar(query, values)
    return account_id


# ---------------------------------------------------------------- making people


def create_staff(*, email: str, name: str, password: str, roles: Sequence[str], locale: str | None = None) -> UUID:
    """Make somebody staff of the tenant in force and return the account's id; for demo, tests, operators.

    An account that exists already keeps its name and password and gets the roles here.
    """
    wanted = _roles(roles)
    known = queries.credentials(email)
    account_id = known.id if known else _make_account(email=email, name=name, password=password, locale=locale)
    _join(account_id, wanted)
    return account_id


def _join(account_id: UUID, roles: list[str]) -> None:
    member = db.session.scalar(select(Membership).where(Membership.account_id == account_id))
    if member is None:
        db.session.add(Membership(account_id=account_id, roles=roles))
    else:
        member.roles, member.status = roles, "active"
    record(StaffJoined(account_id=account_id, roles=roles))
    # Later reads of the account pass the policy only when the membership's row is there.
    db.session.flush()


def create_operator(*, email: str, name: str, password: str) -> UUID:
    """Make an operator of the installation, outside all tenants; committed by itself."""
    return operators.create_operator(email=email, name=name, password_hash=_new_hash(password, email=email))


# ---------------------------------------------------------------- invitations


def invite(*, email: str, roles: Sequence[str], invited_by: UUID | None = None) -> tuple[Invitation, str]:
    """Invite an address; returns the invitation and the token of its link. An open one is replaced.

    Raises Conflict("already_staff") for somebody who is active here.
    """
    wanted, address = _roles(roles), rules.normal_email(email)
    known = queries.credentials(address)
    if known and queries.membership(known.id):
        raise Conflict(_l("This person is already on your staff."), code="already_staff")
    for earlier in queries.open_invitations():
        if earlier.email == address:
            db.session.delete(earlier)
    token, now = rules.new_token(), datetime.now(UTC)
    row = Invitation(
        id=new_id(),
        email=address,
        roles=wanted,
        token_hash=rules.token_hash(token),
        invited_by=invited_by,
        expires_at=now + rules.INVITATION_LIFE,
    )
    db.session.add(row)
    record(StaffInvited(invitation_id=row.id, roles=wanted))
    return row, token


def withdraw_invitation(invitation_id: UUID) -> None:
    """Take an open invitation back; its link opens nothing any more. Raises NotFound."""
    row = db.session.scalar(select(Invitation).where(Invitation.id == invitation_id, Invitation.accepted_at.is_(None)))
    if row is None:
        raise NotFound
    db.session.delete(row)
    record(InvitationWithdrawn(invitation_id=invitation_id))


def accept_invitation(token: str, *, password: str, name: str = "", locale: str | None = None) -> UUID:
    """Join by an invitation's link: a new account with this password, or an old one that proves itself by it.

    Raises LinkRefused, SignInRefused for an old account's wrong password, Malformed for a weak new one.
    """
    row = queries.invitation(token)
    if row is None:
        raise LinkRefused
    known = queries.credentials(row.email)
    if known is None:
        account_id = _make_account(email=row.email, name=name.strip() or row.email, password=password, locale=locale)
    else:
        right, _renewed = passwords.verify(known.password_hash, password, cheap=cheap())
        if not right:
            raise SignInRefused({"password": [_l("This is not the password of your account.")]})
        account_id = known.id
    row.accepted_at = datetime.now(UTC)
    _join(account_id, row.roles)
    return account_id


# ---------------------------------------------------------------- staff


def _would_lose_owner(member: Membership) -> bool:
    return OWNER in member.roles and member.status == "active" and queries.owners() == [member.account_id]


def _locked_owners() -> None:
    # Two owners who remove each other at once: the second waits here and then meets the rule.
    query = select(Membership.id).where(Membership.roles.contains([OWNER])).order_by(Membership.id)
    db.session.execute(query.with_for_update())


def set_roles(account_id: UUID, *, roles: Sequence[str]) -> None:
    """Give a staff member these roles instead of the ones before. Raises LastOwner."""
    wanted = _roles(roles)
    _locked_owners()
    _account, member = queries.staff_member(account_id)
    if OWNER not in wanted and _would_lose_owner(member):
        raise LastOwner
    if member.roles != wanted:
        record(RolesChanged(account_id=account_id, before=member.roles, after=wanted))
        member.roles = wanted


def set_status(account_id: UUID, *, status: str) -> None:
    """Suspend a staff member ("suspended", which ends the sessions) or let them in again ("active")."""
    _locked_owners()
    _account, member = queries.staff_member(account_id)
    if status == "suspended" and _would_lose_owner(member):
        raise LastOwner
    if member.status != status:
        member.status = status
        record(StaffStatusChanged(account_id=account_id, status=status))
        if status == "suspended":
            end_sessions(kind="staff", subject_id=account_id, reason="suspended")


def remove_staff(account_id: UUID) -> None:
    """Take somebody off the staff; the account itself stays, it may belong elsewhere. Raises LastOwner."""
    _locked_owners()
    _account, member = queries.staff_member(account_id)
    if _would_lose_owner(member):
        raise LastOwner
    end_sessions(kind="staff", subject_id=account_id, reason="removed")
    record(StaffStatusChanged(account_id=account_id, status="removed"))
    db.session.delete(member)


# ---------------------------------------------------------------- one's own account


def change_profile(account_id: UUID, *, name: str, locale: str | None) -> None:
    """Change one's name and language."""
    account, _secret = queries.own_account(account_id)
    account.name, account.locale = name.strip(), locale or None


def change_password(account_id: UUID, *, current: str, new: str, keep_session: UUID | None) -> None:
    """Change one's password; every other session ends, in every tenant. Raises Malformed next to the field."""
    account, secret = queries.own_account(account_id)
    right, _renewed = passwords.verify(secret.password_hash, current, cheap=cheap())
    if not right:
        raise Malformed({"current": [_l("This is not your present password.")]})
    secret.password_hash = _new_hash(new, email=account.email, field="new")
    secret.password_since = account.trusted_since = now = datetime.now(UTC)
    record(PasswordChanged(account_id=account_id, how="own"))
    end_sessions(kind="staff", subject_id=account_id, reason="password", keep=keep_session)
    kept = db.session.scalar(select(SignInSession).where(SignInSession.id == keep_session)) if keep_session else None
    if kept is not None:
        kept.created_at = now


def _resets() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(get_settings().secret_key, salt="perennial-password-reset")


def reset_token(account_id: UUID, password_hash: str | None) -> str:
    """The token of a reset link: good for an hour and for one use, because the use changes the hash."""
    return _resets().dumps([str(account_id), rules.token_hash(password_hash or "")[:16]])


def _reset_account(token: str) -> tuple[Account, Any]:
    try:
        ident, mark = _resets().loads(token, max_age=int(rules.RESET_LIFE.total_seconds()))
        account, secret = queries.own_account(UUID(ident))
    except (BadSignature, ValueError, NotFound) as error:
        raise LinkRefused from error
    if rules.token_hash(secret.password_hash or "")[:16] != mark:
        raise LinkRefused
    return account, secret


def check_reset(token: str) -> Account:
    """The account a reset link is for. Raises LinkRefused."""
    return _reset_account(token)[0]


def reset_password(token: str, *, password: str) -> UUID:
    """Set a new password by a reset link; all sessions of the account end, in every tenant."""
    account, secret = _reset_account(token)
    secret.password_hash = _new_hash(password, email=account.email)
    secret.password_since = account.trusted_since = datetime.now(UTC)
    record(PasswordChanged(account_id=account.id, how="reset"))
    end_sessions(kind="staff", subject_id=account.id, reason="password")
    return account.id


# ---------------------------------------------------------------- housekeeping


def forget_what_is_over() -> None:
    """Delete codes and hand-overs of yesterday, old invitations, and sessions that are over for a month."""
    now = datetime.now(UTC)
    yesterday, last_month = now - timedelta(days=1), now - timedelta(days=30)
    db.session.execute(delete(SignInCode).where(SignInCode.expires_at < yesterday))
    db.session.execute(delete(Handover).where(Handover.expires_at < yesterday))
    db.session.execute(delete(Invitation).where(Invitation.expires_at < last_month))
    longest = max(idle for idle, _whole in rules.LIFETIMES.values())
    over = or_(SignInSession.ended_at < last_month, SignInSession.last_seen_at < last_month - longest)
    db.session.execute(delete(SignInSession).where(over))
