"""Verbs of sessions: a browser is let in, seen, let go. One row each, listed and ended by its person."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select, update

from config.extensions import db
from tenants.accounts.facts import SignedIn, SignedOut
from tenants.accounts.models import SignInSession
from tenants.accounts.rules import TOUCH_EVERY, new_token, token_hash
from tenants.errors import NotFound
from tenants.events import acting_as, record
from tenants.ids import new_id


def start_session(
    *, kind: str, subject_id: UUID, face: str, ip: str | None = None, agent: str | None = None, how: str = "password"
) -> str:
    """Make a session for a staff member (account id), member or partner user and return its token.

    The token goes into the face's cookie; only its hash is kept. The caller has proven who it is.
    """
    token, session_id = new_token(), new_id()
    db.session.add(
        SignInSession(
            id=session_id,
            kind=kind,
            subject_id=subject_id,
            face=face,
            token_hash=token_hash(token),
            ip=ip,
            agent=(agent or "")[:200] or None,
        )
    )
    with acting_as(kind, subject_id):
        record(SignedIn(person=kind, subject_id=subject_id, session_id=session_id, face=face, how=how))
    return token


def touch(session: SignInSession) -> None:
    """Note that the session was used, at most every five minutes."""
    now = datetime.now(UTC)
    if now - session.last_seen_at > TOUCH_EVERY:
        session.last_seen_at = now


def end_session(session_id: UUID, *, kind: str, subject_id: UUID, reason: str = "own") -> None:
    """End one session of this person. Raises NotFound for anybody else's."""
    query = select(SignInSession).where(
        SignInSession.id == session_id, SignInSession.kind == kind, SignInSession.subject_id == subject_id
    )
    found = db.session.scalar(query)
    if found is None:
        raise NotFound
    if found.ended_at is None:
        found.ended_at = datetime.now(UTC)
        record(SignedOut(person=kind, subject_id=subject_id, sessions=1, reason=reason))


def end_sessions(*, kind: str, subject_id: UUID, reason: str, keep: UUID | None = None) -> int:
    """End all sessions of this person here but `keep`; returns how many."""
    query = update(SignInSession).where(
        SignInSession.kind == kind, SignInSession.subject_id == subject_id, SignInSession.ended_at.is_(None)
    )
    if keep is not None:
        query = query.where(SignInSession.id != keep)
    ended = len(db.session.scalars(query.values(ended_at=datetime.now(UTC)).returning(SignInSession.id)).all())
    if ended:
        record(SignedOut(person=kind, subject_id=subject_id, sessions=ended, reason=reason))
    return ended
