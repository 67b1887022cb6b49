"""Who may do what: one table of permissions, and a guard on every view.

A view without a guard is refused at start-up. Guards are data on the view function, so the
access tests read them and try every route with every role.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar
from uuid import UUID

from flask import Flask, current_app, g, request

from tenants.errors import Denied, Unauthenticated

OWNER, MANAGER, MARKETER, CASHIER, CARE, CHANNEL, FINANCE, ANALYST = ROLES = (
    "owner",
    "manager",
    "marketer",
    "cashier",
    "care",
    "channel_manager",
    "finance",
    "analyst",
)


def _of(*roles: str) -> frozenset[str]:
    return frozenset(roles) | {OWNER}


EVERYBODY = _of(*ROLES)
OFFICE = EVERYBODY - {CASHIER}
MEMBER_SIDE = _of(MANAGER, MARKETER, CARE, FINANCE, ANALYST)
CHANNEL_SIDE = _of(CHANNEL, FINANCE, ANALYST)

# permission → roles. The owner has all of them.
PERMISSIONS: dict[str, frozenset[str]] = {
    "start.view": EVERYBODY,
    "own.account": EVERYBODY,
    # member programme
    "members.view": MEMBER_SIDE | {CASHIER},
    "members.edit": _of(MANAGER, CARE, CASHIER),
    "members.export": _of(MANAGER, ANALYST),
    "purchases.view": MEMBER_SIDE,
    "points.view": MEMBER_SIDE | {CASHIER},
    "programme.view": MEMBER_SIDE,
    "programme.edit": _of(MANAGER),
    "till.use": _of(MANAGER, CASHIER, CARE),
    "messages.view": _of(MANAGER, MARKETER, CARE),
    "messages.edit": _of(MANAGER, MARKETER),
    # shared
    "catalogue.view": OFFICE,
    "catalogue.edit": _of(MANAGER, CHANNEL),
    "imports.view": _of(MANAGER, CHANNEL, FINANCE, ANALYST),
    "imports.run": _of(MANAGER, CHANNEL),
    "files.view": _of(MANAGER, CHANNEL, FINANCE, ANALYST),
    # channel programme
    "partners.view": CHANNEL_SIDE,
    "partners.edit": _of(CHANNEL),
    # the tenant itself
    "staff.view": _of(MANAGER),
    "staff.edit": _of(),
    "branding.edit": _of(MANAGER),
    "settings.edit": _of(),
    "keys.edit": _of(),
    "audit.view": _of(MANAGER, FINANCE, ANALYST),
    "health.view": _of(MANAGER, FINANCE, ANALYST),
    "health.retry": _of(MANAGER),
}

SCOPES: tuple[str, ...] = (
    "purchases:write",
    "points:write",
    "members:read",
    "members:write",
)

Kind = Literal["staff", "member", "partner", "key", "operator"]


@dataclass(frozen=True)
class Actor:
    """The person or key behind this request. `roles` holds staff roles or, for a key, its scopes."""

    kind: Kind
    id: UUID
    name: str
    roles: frozenset[str] = frozenset()
    locale: str | None = None
    extra: dict[str, Any] = field(default_factory=dict, hash=False, compare=False)

    def may(self, permission: str) -> bool:
        """Whether a staff member has the permission. Raises KeyError for one nobody declared."""
        return self.kind == "staff" and bool(self.roles & PERMISSIONS[permission])


@dataclass(frozen=True)
class Guard:
    """What a view asks of who calls it. `kind` None means everybody."""

    kind: Kind | None
    permission: str | None = None
    scope: str | None = None

    def check(self, actor: Actor | None) -> None:
        """Raises Unauthenticated or Denied."""
        if self.kind is None:
            return
        if actor is None or actor.kind != self.kind:
            raise Unauthenticated
        if self.permission and not actor.may(self.permission):
            raise Denied
        if self.scope and self.scope not in actor.roles:
            raise Denied(code="scope_missing", scope=self.scope)


V = TypeVar("V", bound=Callable[..., Any])


def _guarded(guard: Guard) -> Callable[[V], V]:
    def mark(view: V) -> V:
        view.__guard__ = guard  # type: ignore[attr-defined]
        return view

    return mark


def requires(permission: str) -> Callable[[V], V]:
    """For staff with this permission."""
    if permission not in PERMISSIONS:
        raise KeyError(f"{permission} is not in the permission table")
    return _guarded(Guard("staff", permission=permission))


def scoped(scope: str) -> Callable[[V], V]:
    """For an API key with this scope."""
    if scope not in SCOPES:
        raise KeyError(f"{scope} is not in the list of scopes")
    return _guarded(Guard("key", scope=scope))


def public(view: V) -> V:
    """For everybody."""
    return _guarded(Guard(None))(view)


def member_only(view: V) -> V:
    """For a signed-in member, in the portal."""
    return _guarded(Guard("member"))(view)


def partner_only(view: V) -> V:
    """For a signed-in partner user; runs in the partner's scope."""
    return _guarded(Guard("partner"))(view)


def operator_only(view: V) -> V:
    """For the operator of the installation, outside all tenants."""
    return _guarded(Guard("operator"))(view)


def guard_of(app: Flask, endpoint: str, method: str) -> Guard | None:
    """The guard of a view function or of the method of a view class; None where somebody forgot it."""
    view = app.view_functions[endpoint]
    view_class = getattr(view, "view_class", None)
    if view_class is not None:
        verb = "get" if method == "HEAD" else method.lower()
        function = getattr(view_class, verb, None)
        return getattr(function, "__guard__", None) or getattr(view_class, "__guard__", None)
    return getattr(view, "__guard__", None)


def unguarded(app: Flask) -> Sequence[str]:
    """Endpoints and verbs that forgot their guard. create_app() refuses to start with any."""
    return [
        f"{method} {rule.rule} ({rule.endpoint})"
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"})
        if guard_of(app, rule.endpoint, method) is None
    ]


def current_actor() -> Actor:
    """Who acts in this request. Raises Unauthenticated when nobody is signed in."""
    actor: Actor | None = g.get("actor")
    if actor is None:
        raise Unauthenticated
    return actor


def actor_or_none() -> Actor | None:
    """Who acts in this request, None when nobody is signed in."""
    return g.get("actor")


def may(permission: str) -> bool:
    """For templates: whether the signed-in staff member has the permission."""
    actor = actor_or_none()
    return actor is not None and actor.may(permission)


def enforce() -> None:
    """before_request: check the guard of the matched view. Unmatched requests become 404 later."""
    if request.endpoint is None or request.method == "OPTIONS":
        return
    guard = guard_of(current_app, request.endpoint, request.method)
    if guard is None:
        raise Denied(code="unguarded")
    guard.check(g.get("actor"))
