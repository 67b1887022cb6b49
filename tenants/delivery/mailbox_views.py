"""The development mailbox in the browser, at /mailbox outside all tenants. In production there is no such page."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request, url_for

from tenants.access import public
from tenants.delivery.framed import framed, with_frame
from tenants.delivery.mailbox import store_of
from tenants.delivery.mailstore import Arrived, Mailstore
from tenants.errors import NotFound
from tenants.web import page, see_other

bp = Blueprint("mailbox", __name__, url_prefix="/mailbox")
bp.face = "platform"  # type: ignore[attr-defined]


@bp.before_request
def _in_development() -> None:
    if current_app.extensions["settings"].env == "production":
        raise NotFound


def _store() -> Mailstore:
    return store_of(current_app.extensions["settings"])


def _read(name: str) -> Arrived:
    try:
        return _store().read(name)
    except FileNotFoundError as error:
        raise NotFound from error


@bp.get("/")
@public
def index() -> Response:
    """The newest mails and texts."""
    to = request.args.get("to", "")
    return page("mailbox/index.html", "mailbox/_list.html", arrived=_store().list(to=to), to=to)


@bp.get("/<name>")
@public
def show(name: str) -> Response:
    """One mail: as it looks, as text, and its headers."""
    return with_frame(page("mailbox/show.html", mail=_read(name), plain="plain" in request.args))


@bp.get("/<name>/html")
@public
def html(name: str) -> Response:
    """The HTML part alone, locked into a frame."""
    return framed(_read(name).html)


@bp.post("/clear")
@public
def clear() -> Response:
    """Empty the mailbox."""
    _store().clear()
    return see_other(url_for(".index"))
