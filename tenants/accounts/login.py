"""Flask-Login for everybody: what a cookie or a key says, and who that is now.

The cookie of a face holds "<kind>:<token>". A request that carries no cookie and no key costs no query.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Flask, Request, g, request, session
from flask_login import UserMixin

from config.extensions import login_manager
from tenants.access import Actor
from tenants.accounts import operators, people, queries
from tenants.accounts.rules import LIFETIMES
from tenants.accounts.sessions import touch
from tenants.integrations.services import actor_for_key
from tenants.routing import COOKIES

FACES = {"staff": ("admin", "till"), "member": ("portal",), "partner": ("partner",), "operator": ("console",)}


class Person(UserMixin):
    """Somebody signed in, as Flask-Login sees them."""

    def __init__(self, actor: Actor, token: str, session_id: UUID | None) -> None:
        self.actor = actor
        self.token = token
        self.session_id = session_id

    def get_id(self) -> str:
        """What the cookie keeps."""
        return f"{self.actor.kind}:{self.token}"


def _staff(token: str) -> Person | None:
    row = queries.staff_of_session(token)
    if row is None or row[0].face != g.face:
        return None
    seen, account, member = row
    touch(seen)
    return Person(Actor("staff", account.id, account.name, frozenset(member.roles), account.locale), token, seen.id)


def _outsider(kind: str, token: str) -> Person | None:
    seen = queries.live_session(kind, token)
    subject = people.get_subject(kind, seen.subject_id) if seen else None
    if seen is None or subject is None:
        return None
    touch(seen)
    extra: dict[str, Any] = {"partner_id": subject.partner_id} if kind == "partner" else {}
    return Person(Actor(kind, subject.id, subject.name, locale=subject.locale, extra=extra), token, seen.id)  # type: ignore[arg-type]


def _operator(token: str) -> Person | None:
    found = operators.operator_of_session(token)
    return Person(found.actor, token, found.session_id) if found else None


LOADERS: dict[str, Callable[[str], Person | None]] = {
    "staff": _staff,
    "member": lambda token: _outsider("member", token),
    "partner": lambda token: _outsider("partner", token),
    "operator": _operator,
}


def load_person(ident: str) -> Person | None:
    """Flask-Login's user_loader: the person behind "<kind>:<token>" if this face is for that kind."""
    kind, _, token = ident.partition(":")
    if kind not in LOADERS or not token or (kind == "operator") != (g.get("tenant") is None):
        return None
    return LOADERS[kind](token)


def load_key(incoming: Request) -> Person | None:
    """Flask-Login's request_loader: the API key in `Authorization: Bearer`, on the API only."""
    scheme, _, key = incoming.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not incoming.path.startswith("/api/") or g.get("tenant") is None:
        return None
    actor = actor_for_key(key.strip(), g.tenant)
    return Person(actor, "", None) if actor else None


def install(app: Flask) -> None:
    """Hang both loaders on Flask-Login. Sessions are kept by us, so its own browser check is off."""
    # The cookie outlives every session; what ends one is its row.
    app.permanent_session_lifetime = max(idle for idle, _whole in LIFETIMES.values())
    login_manager.user_loader(load_person)
    login_manager.request_loader(load_key)
    login_manager.session_protection = None


def let_in(kind: str, token: str) -> None:
    """Put a fresh session into this face's cookie; whatever the cookie held before is dropped."""
    session.clear()
    session.permanent = True
    session["_user_id"] = f"{kind}:{token}"
    session["_fresh"] = True


def let_go() -> None:
    """Empty this face's cookie."""
    session.clear()


def client_address() -> tuple[str | None, str | None]:
    """Address and browser of this request, for the list of sessions."""
    return request.remote_addr, request.headers.get("User-Agent")


def cookie_for(app: Flask, *, kind: str, token: str, face: str) -> tuple[str, str]:
    """Name and value of the cookie that carries a session, for tests and tools that need no sign-in page."""
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    return COOKIES[face], serializer.dumps({"_user_id": f"{kind}:{token}", "_fresh": True, "_permanent": True})
