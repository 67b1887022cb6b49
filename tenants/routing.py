"""Which tenant and which face a request is for: by path prefix `/t/<slug>` or by host name.

The prefix moves to SCRIPT_NAME, so the rest of the app does not know which it was. Each face
(admin, till, portal, partner, console) has a cookie of its own, scoped to host and tenant path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin

COOKIES = {
    "admin": "pn_admin",
    "till": "pn_till",
    "portal": "pn_member",
    "partner": "pn_partner",
    "console": "pn_console",
    "platform": "pn_platform",
    "api": "pn_none",  # programs send keys; a cookie is neither read nor set there
}
_PREFIXES = (("/admin", "admin"), ("/till", "till"), ("/partner", "partner"), ("/console", "console"), ("/api", "api"))
_PLATFORM = ("/signin", "/signup", "/welcome")

WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class TenantRouting:
    """WSGI middleware: takes the tenant from the path or the host into `perennial.slug` / `.host`."""

    def __init__(self, app: WSGI, *, platform_host: str) -> None:
        self.app = app
        self.platform_host = platform_host

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Move `/t/<slug>` to SCRIPT_NAME; outside a tenant `/` is the product page."""
        path = environ.get("PATH_INFO", "")
        host = environ.get("HTTP_HOST", "").rsplit(":", 1)[0].lower()
        if path.startswith("/t/"):
            slug, _, rest = path[3:].partition("/")
            environ["perennial.slug"] = slug.lower()
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + f"/t/{slug}"
            environ["PATH_INFO"] = "/" + rest
        elif self._own_host(host):
            environ["perennial.host"] = host
        elif path == "/":
            environ["PATH_INFO"] = "/welcome"
        return self.app(environ, start_response)

    def _own_host(self, host: str) -> bool:
        # An address or a bare name such as localhost is the platform; so is its configured host.
        return bool(host) and host != self.platform_host and "." in host and not host.replace(".", "").isdigit()


def face_of(path: str) -> str:
    """The face a path belongs to."""
    for prefix, face in _PREFIXES:
        if path == prefix or path.startswith(prefix + "/"):
            return face
    return "platform" if path.startswith(_PLATFORM) else "portal"


class FaceSessions(SecureCookieSessionInterface):
    """Flask's signed cookie, one per face, so that a cashier's session says nothing of a member's."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The face's session; the API has keys and no cookies, so it gets an empty one that is never kept."""
        return self.session_class() if request.path.startswith("/api/") else super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Keep it, except on the API."""
        if not request.path.startswith("/api/"):
            super().save_session(app, session, response)

    def get_cookie_name(self, app: Flask) -> str:
        """The face's cookie."""
        return COOKIES[face_of(request.path)]

    def get_cookie_path(self, app: Flask) -> str:
        """The tenant's prefix, or the whole host."""
        return (request.script_root or "") + "/"
