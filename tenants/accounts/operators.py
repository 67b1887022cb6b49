"""Operators of the installation: global accounts whose sessions live outside all tenants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog
from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select, update

from config.extensions import db
from tenants.access import Actor
from tenants.accounts import passwords, queries
from tenants.accounts.models import Account, AccountSecret, OperatorSession
from tenants.accounts.rules import LIFETIMES, TOUCH_EVERY, new_token, normal_email, password_faults, token_hash
from tenants.accounts.signin import cheap
from tenants.errors import Malformed
from tenants.scope import system_session

log = structlog.get_logger("accounts")


@dataclass(frozen=True)
class OperatorSignIn:
    """An operator and the session they act in."""

    actor: Actor
    session_id: UUID


def create_operator(*, email: str, name: str, password_hash: str) -> UUID:
    """Make an account an operator, or a new one; committed by itself as the system role."""
    with system_session() as session:
        account = session.scalar(select(Account).where(Account.email == normal_email(email)))
        if account is None:
            account = Account(email=normal_email(email), name=name)
            session.add(account)
            session.flush()  # the secret needs the account's row
            session.add(AccountSecret(account_id=account.id, password_hash=password_hash, recovery_hashes=[]))
        account.is_operator = True
        return account.id


def start_operator_session(account_id: UUID, *, ip: str | None = None, agent: str | None = None) -> str:
    """Make a console session and return its token; committed by itself."""
    token = new_token()
    log.info("operator_signed_in", account=str(account_id), ip=ip)
    with system_session() as session:
        session.add(
            OperatorSession(
                account_id=account_id, token_hash=token_hash(token), ip=ip, agent=(agent or "")[:200] or None
            )
        )
    return token


def operator_of_session(token: str) -> OperatorSignIn | None:
    """The operator behind a console cookie, None when the session is over."""
    idle, whole = LIFETIMES["operator"]
    now = datetime.now(UTC)
    query = (
        select(OperatorSession, Account)
        .join(Account, Account.id == OperatorSession.account_id)
        .where(
            OperatorSession.token_hash == token_hash(token),
            OperatorSession.ended_at.is_(None),
            OperatorSession.last_seen_at > now - idle,
            OperatorSession.created_at > now - whole,
            Account.is_operator.is_(True),
            or_(Account.trusted_since.is_(None), OperatorSession.created_at >= Account.trusted_since),
        )
    )
    with system_session() as session:
        row = session.execute(query).one_or_none()
        if row is None:
            return None
        seen, account = row
        if now - seen.last_seen_at > TOUCH_EVERY:
            seen.last_seen_at = now
        actor = Actor("operator", account.id, account.name, locale=account.locale)
        return OperatorSignIn(actor, seen.id)


def end_operator_session(token: str) -> None:
    """End a console session."""
    with system_session() as session:
        query = update(OperatorSession).where(OperatorSession.token_hash == token_hash(token))
        session.execute(query.values(ended_at=datetime.now(UTC)))


def change_operator_password(account_id: UUID, *, current: str, new: str, token: str) -> None:
    """Change an operator's password in the present (system) transaction; all other sessions end.

    Raises Malformed next to the field. `token` is the session that stays.
    """
    account, secret = queries.own_account(account_id)
    right, _renewed = passwords.verify(secret.password_hash, current, cheap=cheap())
    if not right:
        raise Malformed({"current": [_l("This is not your present password.")]})
    faults = password_faults(new, email=account.email)
    if faults:
        raise Malformed({"new": faults})
    secret.password_hash = passwords.hash_password(new, cheap=cheap())
    secret.password_since = account.trusted_since = now = datetime.now(UTC)
    here = update(OperatorSession).where(OperatorSession.token_hash == token_hash(token))
    db.session.execute(here.values(created_at=now))
    log.info("operator_password_changed", account=str(account_id))
