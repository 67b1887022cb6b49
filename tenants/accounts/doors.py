"""What the sign-in doors of all faces share: where to go, who is asked, the redirect of strangers."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, current_app, g, request, session, url_for
from flask_login import current_user
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from tenants import navigation, problems
from tenants.access import Actor, actor_or_none
from tenants.accounts.login import client_address, let_go, let_in
from tenants.accounts.models import Account
from tenants.accounts.queries import Credentials
from tenants.accounts.sessions import end_session, start_session
from tenants.errors import Unauthenticated
from tenants.web import see_other

SIGN_INS = {
    "admin": "accounts.sign_in",
    "till": "till_signin.sign_in",
    "portal": "member_signin.sign_in",
    "partner": "partner_signin.sign_in",
    "console": "console.sign_in",
}
PREFIXES = {"admin": "/admin/", "till": "/till/", "portal": "/", "partner": "/partner/", "console": "/console/"}


def home_of(face: str) -> str:
    """The first page of a face."""
    endpoint = navigation.first_known(navigation.HOMES.get(face, ()), current_app.view_functions)
    return url_for(endpoint) if endpoint else (request.script_root or "") + PREFIXES.get(face, "/")


def next_url(face: str) -> str:
    """Where to go after signing in: `next` if it is a page of this place that can be fetched, else the face's home."""
    target = urlsplit(request.args.get("next", ""))
    path, root = target.path, request.script_root or ""
    inside = path.startswith(root + "/") and not path.startswith("//") and "\\" not in path
    if target.netloc or target.scheme or not inside or not _can_be_fetched(path.removeprefix(root)):
        return home_of(face)
    return path + (f"?{target.query}" if target.query else "")


def _can_be_fetched(path: str) -> bool:
    adapter = current_app.create_url_adapter(request)
    try:
        return adapter is not None and bool(adapter.match(path, method="GET"))
    except RequestRedirect:
        return True
    except (NotFound, MethodNotAllowed):
        return False


def to_sign_in(error: Unauthenticated) -> Response:
    """Send a stranger to the sign-in page of the face; programs get the plain refusal."""
    endpoint = SIGN_INS.get(g.get("face") or "")
    known = endpoint in current_app.view_functions
    if not known or endpoint is None:
        return problems.render(error)
    here = request.full_path.rstrip("?") if request.method == "GET" else ""
    url = url_for(endpoint, next=(request.script_root or "") + here if here else None)
    if request.headers.get("HX-Request") == "true":
        return Response(status=401, headers={"HX-Redirect": url_for(endpoint)})
    return see_other(url)


def staff_let_in(found: Credentials | Account, *, face: str, how: str) -> None:
    """Make the session of a staff member who has proven who they are, and set the cookie."""
    ip, agent = client_address()
    let_in("staff", start_session(kind="staff", subject_id=found.id, face=face, ip=ip, agent=agent, how=how))


def signed_in(kind: str) -> Actor | None:
    """Who is signed in at this face already."""
    actor = actor_or_none()
    return actor if actor and actor.kind == kind else None


def end_own_session() -> None:
    """End the session of this browser at this face, if it has one, and empty the cookie."""
    actor, session_id = actor_or_none(), getattr(current_user, "session_id", None)
    if actor is not None and session_id is not None:
        end_session(session_id, kind=actor.kind, subject_id=actor.id)
    let_go()


def pending(name: str) -> dict[str, str]:
    """What an unfinished sign-in left in the cookie, {} for nothing."""
    kept = session.get(name)
    return kept if isinstance(kept, dict) else {}
