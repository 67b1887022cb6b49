"""Accounts are global; what they may do here, their sessions and invitations belong to a tenant."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, DateTime, ForeignKey, Index, Integer, Text, Uuid, text
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from config.extensions import Base
from tenants.ids import new_id
from tenants.scope import TenantScoped

STAMP = DateTime(timezone=True)
NOW = text("now()")


class Account(Base):
    """A person who signs in with e-mail and password. The app role meets colleagues and itself only."""

    __tablename__ = "accounts"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id, server_default=text("new_id()"))
    email: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    locale: Mapped[str | None] = mapped_column(Text)
    is_operator: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    # Sessions begun earlier are over, in every tenant: set when the password changes.
    trusted_since: Mapped[datetime | None] = mapped_column(STAMP)
    created_at: Mapped[datetime] = mapped_column(STAMP, server_default=NOW)

    __table_args__ = (CheckConstraint("email = lower(email)", name="lower"),)


class AccountSecret(Base):
    """What proves an account. Apart from it, so that no list of people can carry it along."""

    __tablename__ = "account_secrets"

    account_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    password_hash: Mapped[str | None] = mapped_column(Text)
    password_since: Mapped[datetime] = mapped_column(STAMP, server_default=NOW)
    totp_secret: Mapped[str | None] = mapped_column(Text)
    totp_since: Mapped[datetime | None] = mapped_column(STAMP)
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger)
    recovery_hashes: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=text("'{}'"))


class OperatorSession(Base):
    """A signed-in operator of the installation, outside all tenants."""

    __tablename__ = "operator_sessions"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id, server_default=text("new_id()"))
    account_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey("accounts.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(Text, unique=True)
    created_at: Mapped[datetime] = mapped_column(STAMP, server_default=NOW)
    last_seen_at: Mapped[datetime] = mapped_column(STAMP, server_default=NOW)
    ip: Mapped[str | None] = mapped_column(Text)
    agent: Mapped[str | None] = mapped_column(Text)
    ended_at: Mapped[datetime | None] = mapped_column(STAMP)


class Membership(TenantScoped, Base):
    """An account's roles in this tenant."""

    __tablename__ = "memberships"

    account_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey("accounts.id", name="fk_memberships_account_id"))
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=text("'{}'"))
    status: Mapped[str] = mapped_column(Text, default="active", server_default="active")
    joined_at: Mapped[datetime] = mapped_column(STAMP, server_default=NOW)

    __table_args__ = (
        Unique("tenant_id", "account_id"),
        CheckConstraint("status IN ('active', 'suspended')", name="status"),
    )


class Invitation(TenantScoped, Base):
    """An e-mail address that may join with these roles; only the hash of its link is kept."""

    __tablename__ = "invitations"

    email: Mapped[str] = mapped_column(Text)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    token_hash: Mapped[str] = mapped_column(Text)
    invited_by: Mapped[UUID | None] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(STAMP, server_default=NOW)
    expires_at: Mapped[datetime] = mapped_column(STAMP)
    accepted_at: Mapped[datetime | None] = mapped_column(STAMP)

    __table_args__ = (Unique("tenant_id", "token_hash"), CheckConstraint("email = lower(email)", name="lower"))


class SignInSession(TenantScoped, Base):
    """One signed-in browser of a staff member, a member or a partner user."""

    __tablename__ = "sessions"

    kind: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[UUID] = mapped_column(Uuid)
    token_hash: Mapped[str] = mapped_column(Text)
    face: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(STAMP, server_default=NOW)
    last_seen_at: Mapped[datetime] = mapped_column(STAMP, server_default=NOW)
    ip: Mapped[str | None] = mapped_column(Text)
    agent: Mapped[str | None] = mapped_column(Text)
    ended_at: Mapped[datetime | None] = mapped_column(STAMP)

    __table_args__ = (
        Unique("tenant_id", "token_hash"),
        CheckConstraint("kind IN ('staff', 'member', 'partner')", name="kind"),
        Index("ix_sessions_subject", "tenant_id", "kind", "subject_id"),
    )


class SignInCode(TenantScoped, Base):
    """A one-time code and its link, hashed. `subject_id` is empty where nobody has the address."""

    __tablename__ = "signin_codes"

    kind: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[UUID | None] = mapped_column(Uuid)
    address: Mapped[str | None] = mapped_column(Text)
    code_hash: Mapped[str] = mapped_column(Text)
    link_hash: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(STAMP, server_default=NOW)
    expires_at: Mapped[datetime] = mapped_column(STAMP)
    used_at: Mapped[datetime | None] = mapped_column(STAMP)

    __table_args__ = (
        Unique("tenant_id", "link_hash"),
        CheckConstraint("kind IN ('member', 'partner')", name="kind"),
        Index("ix_signin_codes_expires_at", "tenant_id", "expires_at"),
    )


class Handover(TenantScoped, Base):
    """A one-time token that carries a person signed in at the platform into this tenant."""

    __tablename__ = "handovers"

    account_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey("accounts.id", name="fk_handovers_account_id"))
    token_hash: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(STAMP)
    used_at: Mapped[datetime | None] = mapped_column(STAMP)

    __table_args__ = (Unique("tenant_id", "token_hash"),)
