"""Doors of API keys: the list, a new one shown once, revoking."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from tenants.access import current_actor, requires
from tenants.forms import Form
from tenants.integrations import queries, services
from tenants.integrations.models import ApiKey
from tenants.integrations.schemas import KeySchema
from tenants.links import tenant_url
from tenants.listing import Choice, Column, Empty, Listing
from tenants.web import page, see_other

bp = Blueprint("keys", __name__, url_prefix="/admin/keys")
bp.face = "admin"  # type: ignore[attr-defined]

KEYS = Listing(
    "keys",
    columns=[
        Column("name", _l("Name"), sort=ApiKey.name),
        Column("prefix", _l("Begins with"), cell="keys/_cells.html#prefix", csv=lambda row: row.prefix),
        Column("scopes", _l("May"), value=lambda row: ", ".join(row.scopes)),
        Column("created_at", _l("Made"), sort=ApiKey.created_at, format="day"),
        Column("last_used_at", _l("Last used"), cell="keys/_cells.html#used", csv=lambda row: row.last_used_at),
        Column("state", "", cell="keys/_cells.html#state", csv=lambda row: "revoked" if row.revoked_at else "valid"),
    ],
    key=ApiKey.id,
    sort="-created_at",
    search=lambda statement, text: statement.where(ApiKey.name.ilike(f"%{text}%") | ApiKey.prefix.startswith(text)),
    search_hint=_l("Name or beginning of the key"),
    filters=[
        Choice(
            "state",
            _l("State"),
            options=[("valid", _l("Valid")), ("revoked", _l("Revoked"))],
            where=lambda statement, value: statement.where((ApiKey.revoked_at.is_(None)) == (value == "valid")),
        )
    ],
    empty=Empty(
        _l("No keys yet"),
        _l("A key lets a till or a web shop send purchases."),
        "keys.new",
        _l("Make a key"),
        icon="key",
    ),
)


@bp.get("/")
@requires("keys.edit")
def index() -> Response:
    """All keys."""
    return KEYS.respond(queries.keys(), "keys/index.html")


@bp.route("/new", methods=["GET", "POST"])
@requires("keys.edit")
def new() -> Response:
    """Make a key and show it once."""
    form = Form(KeySchema())
    if form.submit(services.issue_key):
        return page("keys/shown.html", key=form.result, url=tenant_url("/api/v1"))
    return form.page("keys/new.html")


@bp.post("/<uuid:key_id>/revoke")
@requires("keys.edit")
def revoke(key_id: UUID) -> Response:
    """Revoke a key."""
    key = services.revoke_key(key_id, by=current_actor().id)
    services.forget_keys()
    flash(_("“%(name)s” is revoked. Programs that still send it are refused.", name=key.name), "success")
    return see_other(url_for(".index"))
