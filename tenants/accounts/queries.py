"""What is known of accounts, staff, sessions and invitations. Read only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, or_, select, text

from config.extensions import db
from tenants.accounts.models import Account, AccountSecret, Invitation, Membership, SignInSession
from tenants.accounts.rules import LIFETIMES, normal_email, token_hash
from tenants.errors import NotFound


@dataclass(frozen=True)
class Credentials:
    """What sign-in compares with. `totp_since` is set when two-step sign-in is on."""

    id: UUID
    email: str
    name: str
    locale: str | None
    is_operator: bool
    password_hash: str | None
    totp_secret: str | None
    totp_since: datetime | None
    recovery_hashes: list[str]


def credentials(email: str) -> Credentials | None:
    """The one account with this e-mail, through the look-up function: it works outside a tenant too."""
    query = text("SELECT * FROM account_for_signin(:email)")
    row = db.session.execute(query, {"email": normal_email(email)}).one_or_none()
    return Credentials(**row._asdict()) if row else None


def membership(account_id: UUID) -> Membership | None:
    """The account's active membership in this tenant."""
    query = select(Membership).where(Membership.account_id == account_id, Membership.status == "active")
    return db.session.scalar(query)


def live_session(kind: str, token: str) -> SignInSession | None:
    """The session with this token unless it ended, idled too long or grew too old."""
    idle, whole = LIFETIMES[kind]
    now = datetime.now(UTC)
    return db.session.scalar(
        select(SignInSession).where(
            SignInSession.token_hash == token_hash(token),
            SignInSession.kind == kind,
            SignInSession.ended_at.is_(None),
            SignInSession.last_seen_at > now - idle,
            SignInSession.created_at > now - whole,
        )
    )


def staff_of_session(token: str) -> Row[SignInSession, Account, Membership] | None:
    """Session, account and membership behind a staff cookie, in one query."""
    idle, whole = LIFETIMES["staff"]
    now = datetime.now(UTC)
    query = (
        select(SignInSession, Account, Membership)
        .join(Membership, Membership.account_id == SignInSession.subject_id)
        .join(Account, Account.id == Membership.account_id)
        .where(
            SignInSession.token_hash == token_hash(token),
            SignInSession.kind == "staff",
            SignInSession.ended_at.is_(None),
            SignInSession.last_seen_at > now - idle,
            SignInSession.created_at > now - whole,
            Membership.status == "active",
            begun_since_trusted(),
        )
    )
    return db.session.execute(query).one_or_none()


def begun_since_trusted() -> ColumnElement[bool]:
    """Whether a staff session began after the account's last change of password, in whatever tenant that was."""
    return or_(Account.trusted_since.is_(None), SignInSession.created_at >= Account.trusted_since)


def staff() -> Select[*tuple[Any, ...]]:
    """Staff of this tenant with account and membership, for the list."""
    return select(
        Membership.id,
        Membership.account_id,
        Membership.roles,
        Membership.status,
        Membership.joined_at,
        Account.name,
        Account.email,
    ).join(Account, Account.id == Membership.account_id)


def staff_member(account_id: UUID) -> tuple[Account, Membership]:
    """A staff member of this tenant, suspended or not. Raises NotFound."""
    query = select(Account, Membership).join(Membership, Membership.account_id == Account.id)
    row = db.session.execute(query.where(Account.id == account_id)).one_or_none()
    if row is None:
        raise NotFound
    return row[0], row[1]


def owners() -> list[UUID]:
    """Accounts that are active owners here."""
    query = select(Membership.account_id).where(Membership.status == "active", Membership.roles.contains(["owner"]))
    return list(db.session.scalars(query))


def open_invitations() -> list[Invitation]:
    """Invitations that can still be accepted, newest first."""
    now = datetime.now(UTC)
    query = select(Invitation).where(Invitation.accepted_at.is_(None), Invitation.expires_at > now)
    return list(db.session.scalars(query.order_by(Invitation.created_at.desc())))


def invitation(token: str) -> Invitation | None:
    """The open invitation of this link."""
    now = datetime.now(UTC)
    query = select(Invitation).where(Invitation.token_hash == token_hash(token))
    return db.session.scalar(query.where(Invitation.accepted_at.is_(None), Invitation.expires_at > now))


def sessions_of(kind: str, subject_id: UUID) -> list[SignInSession]:
    """A person's live sessions here, the latest used first."""
    idle, _whole = LIFETIMES[kind]
    query = select(SignInSession).where(
        SignInSession.kind == kind,
        SignInSession.subject_id == subject_id,
        SignInSession.ended_at.is_(None),
        SignInSession.last_seen_at > datetime.now(UTC) - idle,
    )
    if kind == "staff":
        query = query.join(Account, Account.id == SignInSession.subject_id).where(begun_since_trusted())
    return list(db.session.scalars(query.order_by(SignInSession.last_seen_at.desc())))


def own_account(account_id: UUID) -> tuple[Account, AccountSecret]:
    """An account with its secrets, for its own page; the transaction is first made the account's own."""
    be_account(account_id)
    row = db.session.execute(
        select(Account, AccountSecret)
        .join(AccountSecret, AccountSecret.account_id == Account.id)
        .where(Account.id == account_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    return row[0], row[1]


def be_account(account_id: UUID) -> None:
    """Name the one account whose own rows this transaction may read in full and change."""
    db.session.execute(text("SELECT set_config('app.account_id', :id, true)"), {"id": str(account_id)})
