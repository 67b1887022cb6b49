"""The life of a request: id, tenant, scope, actor, guard, one commit, headers.

Services never commit. A response below 400 commits, everything else rolls back.
"""

from __future__ import annotations

import contextlib
import functools
import re
import secrets
import time
from typing import Any

import structlog
from flask import Flask, Response, current_app, g, has_request_context, request
from flask_babel import get_locale
from flask_login import current_user

from config.extensions import db
from config.settings import Settings
from tenants import access, jobs
from tenants.errors import NotFound, Unauthenticated
from tenants.events import acting_as
from tenants.info import find_tenant
from tenants.routing import FaceSessions, TenantRouting, face_of
from tenants.scope import install, tenant_scope

LOCALES = ("en", "zh_Hans", "zh_Hant")
OUTSIDE = {"platform", "console"}
ANYWHERE = {None, "any"}
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
access_log = structlog.get_logger("access")

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}


def init_app(app: Flask, settings: Settings) -> None:
    """Hang the life of a request on the app, in order."""
    secure = settings.base_url.startswith("https://")
    app.config.update(SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Lax", SESSION_COOKIE_SECURE=secure)
    app.session_interface = FaceSessions()
    app.wsgi_app = TenantRouting(app.wsgi_app, platform_host=settings.platform_host)  # type: ignore[method-assign]
    install(db.session)
    jobs.install(db.session)
    app.before_request(_begin)
    app.before_request(_find_tenant)
    app.before_request(_find_actor)
    app.before_request(access.enforce)
    app.after_request(_finish)
    app.teardown_request(_leave)


def _begin() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
    g.started = time.perf_counter()
    g.stack = contextlib.ExitStack()
    g.tenant = g.actor = None
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _blueprint_face() -> str | None:
    blueprint = current_app.blueprints.get(request.blueprint or "")
    return getattr(blueprint, "face", None)


def _find_tenant() -> None:
    slug, host = request.environ.get("perennial.slug", ""), request.environ.get("perennial.host", "")
    named = "" if slug or host or not request.path.startswith("/api/") else _slug_of_key()
    if slug or host or named:
        g.tenant = find_tenant(slug=slug or named, host=host)
        if g.tenant is None or g.tenant.status != "active":
            g.tenant = None
            raise Unauthenticated if named else NotFound
    g.face = _blueprint_face() or face_of(request.path)
    _check_place(_blueprint_face(), inside=g.tenant is not None)
    if g.tenant is not None:
        structlog.contextvars.bind_contextvars(tenant=g.tenant.slug)
        g.stack.enter_context(tenant_scope(g.tenant.id))


def _slug_of_key() -> str:
    """The tenant that the public part of a key names: pk_<slug>_<public>_<secret>."""
    parts = request.headers.get("Authorization", "").removeprefix("Bearer ").split("_")
    return parts[1] if len(parts) == 4 and parts[0] == "pk" else ""


def _check_place(face: str | None, *, inside: bool) -> None:
    # The API outside a tenant path finds its tenant by the key's public prefix.
    if request.endpoint is None or face in ANYWHERE or (face == "api" and not inside):
        return
    if inside == (face in OUTSIDE):
        raise NotFound


def _find_actor() -> None:
    if _blueprint_face() is None and not request.path.startswith("/api/"):
        return
    actor = getattr(current_user, "actor", None)
    if actor is None:
        return
    g.actor = actor
    if actor.kind == "partner" and not _is_public():  # sign-in, sign-out and logo are nobody's in particular
        db.session.commit()  # nothing but "this session was seen"; the second scope has its own transaction
        g.stack.enter_context(tenant_scope(g.tenant.id, actor.extra["partner_id"]))
    g.stack.enter_context(acting_as(actor.kind, actor.id))


def _is_public() -> bool:
    guard = access.guard_of(current_app, request.endpoint, request.method) if request.endpoint else None
    return guard is not None and guard.kind is None


def _finish(response: Response) -> Response:
    response = _commit(response)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-ID"] = g.get("request_id", "")
    if g.get("actor") is not None:
        response.headers.setdefault("Cache-Control", "private, no-store")
    # Streams close over the log line's start; the time is that of the first byte, in milliseconds.
    spent = round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 1)
    access_log.info("request", method=request.method, path=request.path, status=response.status_code, ms=spent)
    return response


def _commit(response: Response) -> Response:
    if not db.session.registry.has():
        return response
    if response.status_code >= 400:
        db.session.rollback()
        return response
    try:
        db.session.commit()
    except Exception as error:  # noqa: BLE001  # whatever failed, the answer must not say it was saved
        db.session.rollback()
        handled = current_app.handle_user_exception(error)
        return current_app.make_response(handled)
    return response


def _leave(_error: BaseException | None) -> None:
    if db.session.registry.has():
        db.session.rollback()
    stack = g.pop("stack", None)
    if stack is not None:
        stack.close()


def select_locale() -> str:
    """The language of this request: this device's choice, the person's, the browser's, the tenant's, English."""
    if not has_request_context():  # a job: what it writes to people forces their language
        return "en"
    actor = access.actor_or_none()
    chosen = request.cookies.get("lang") or (actor.locale if actor else None)
    if chosen in LOCALES:
        return str(chosen)
    tenant = g.get("tenant")
    wanted = [tag for tag, _quality in request.accept_languages] + ([tenant.locale] if tenant else [])
    return next(filter(None, map(language_of, wanted)), "en")


def select_zone() -> str | None:
    """The zone in which this request shows instants: the tenant's."""
    tenant = g.get("tenant")
    return tenant.zone if tenant else None


def language_of(tag: str) -> str | None:
    """Our language for a BCP 47 tag or locale name, None when we do not speak it."""
    low = tag.lower().replace("_", "-")
    if low.startswith("zh"):
        return "zh_Hant" if any(part in low for part in ("hant", "tw", "hk", "mo")) else "zh_Hans"
    return "en" if low.startswith("en") else None


def language_tag() -> str:
    """The BCP 47 tag of the page, for <html lang>."""
    return {"zh_Hans": "zh-Hans", "zh_Hant": "zh-Hant"}.get(str(get_locale()), "en")


def start_checks(app: Flask) -> None:
    """Refuse to start with a view that forgot its guard. Flask's and flask-smorest's own views are public."""
    for endpoint in ("static", "api-docs.openapi_json"):
        view = app.view_functions[endpoint]
        # A copy with the name of the original (Flask-WTF asks for it); the original may not take attributes.
        copy: Any = functools.update_wrapper(functools.partial(view), view)
        app.view_functions[endpoint] = access.public(copy)
    forgotten = access.unguarded(app)
    if forgotten:
        raise RuntimeError(f"views without a guard: {'; '.join(forgotten)}")
