"""The operator's console, outside all tenants: tenants, queues, health, the end of the demo."""

from __future__ import annotations

import time
from uuid import UUID

from flask import Blueprint, Response, flash, g, request, session, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from config.extensions import db
from tenants.access import operator_only, public
from tenants.accounts import operators, signin
from tenants.accounts.doors import home_of, next_url, pending, signed_in
from tenants.accounts.errors import SignInRefused
from tenants.accounts.login import client_address, let_go, let_in
from tenants.accounts.queries import Credentials
from tenants.accounts.rules import SECOND_STEP_LIFE
from tenants.accounts.schemas import SecondStepSchema, SignInSchema
from tenants.directory import console_queries, console_services
from tenants.directory.models import Tenant
from tenants.directory.schemas import SignUpSchema
from tenants.directory.signup import open_tenant
from tenants.errors import NotFound
from tenants.forms import Form
from tenants.health.queries import readiness
from tenants.listing import Choice, Column, Empty, Listing
from tenants.web import page, see_other

bp = Blueprint("console", __name__, url_prefix="/console")
bp.face = "console"  # type: ignore[attr-defined]


def as_system() -> None:
    """The operator's requests run as the system role, in one transaction that the edge commits."""
    if g.actor is not None:
        db.session.remove()
        db.session.registry.set(Session(db.engines["system"]))  # type: ignore[arg-type]


bp.before_request(as_system)


# ---------------------------------------------------------------- sign-in


@bp.route("/signin", methods=["GET", "POST"])
@public
def sign_in() -> Response:
    """E-mail and password of an operator."""
    if request.method == "GET" and signed_in("operator"):
        return see_other(home_of("console"))
    form = Form(SignInSchema())
    if form.submit(_check, ip=request.remote_addr or ""):
        found: Credentials = form.result
        if not found.totp_since:
            return _let_in(found.id)
        session.clear()
        session["second"] = {"id": str(found.id), "until": time.time() + SECOND_STEP_LIFE.total_seconds()}
        return see_other(url_for(".second_step", next=request.args.get("next")))
    return form.page("accounts/sign_in.html")


def _check(*, email: str, password: str, ip: str) -> Credentials:
    found = signin.check_password(email=email, password=password, ip=ip)
    if not found.is_operator:
        raise SignInRefused
    return found


def _let_in(account_id: UUID) -> Response:
    ip, agent = client_address()
    let_in("operator", operators.start_operator_session(account_id, ip=ip, agent=agent))
    return see_other(next_url("console"))


@bp.route("/signin/code", methods=["GET", "POST"])
@public
def second_step() -> Response:
    """The code of the authenticator app."""
    waiting = pending("second")
    if not waiting or float(waiting["until"]) < time.time():
        return see_other(url_for(".sign_in"))
    form = Form(SecondStepSchema())
    if form.submit(signin.check_second_step, account_id=UUID(waiting["id"]), ip=request.remote_addr or ""):
        return _let_in(UUID(waiting["id"]))
    return form.page("accounts/second_step.html")


@bp.post("/signout")
@public
def sign_out() -> Response:
    """End this session."""
    kind, _colon, token = str(session.get("_user_id", "")).partition(":")
    if kind == "operator":
        operators.end_operator_session(token)
    let_go()
    return see_other(url_for(".sign_in"))


# ---------------------------------------------------------------- tenants

TENANTS = Listing(
    "tenants",
    columns=[
        Column("name", _l("Name"), sort=Tenant.name),
        Column("slug", _l("Short name"), sort=Tenant.slug),
        Column("country", _l("Country")),
        Column("zone", _l("Time zone")),
        Column("staff", _l("Staff"), format="number"),
        Column("status", _l("Status"), cell="console/_cells.html#status", csv=lambda row: row.status),
        Column("created_at", _l("Since"), sort=Tenant.created_at, format="day"),
    ],
    key=Tenant.id,
    sort="name",
    search=lambda statement, words: statement.where(
        Tenant.name.ilike(f"%{words}%") | Tenant.slug.like(f"%{words.lower()}%")
    ),
    search_hint=_l("Name or short name"),
    filters=[
        Choice("status", _l("Status"), Tenant.status, [("active", _l("Active")), ("suspended", _l("Suspended"))]),
        Choice("demo", _l("Demo"), Tenant.is_demo, [(True, _l("Demo")), (False, _l("Real"))]),
    ],
    link=lambda row: url_for("console.show", tenant_id=row.id),
    empty=Empty(
        _l("No organisation yet"), _l("Open the first one, or let somebody sign up."), "console.new", _l("Open one")
    ),
)


@bp.get("/")
@operator_only
def index() -> Response:
    """All tenants."""
    return TENANTS.respond(console_queries.tenants(), "console/index.html")


@bp.route("/tenants/new", methods=["GET", "POST"])
@operator_only
def new() -> Response:
    """Open a tenant; its owner gets the mail that sign-up sends."""
    form = Form(SignUpSchema())
    if form.submit(_open):
        flash(_("It is set up. Its owner gets a link by mail."), "success")
        return see_other(url_for(".show", tenant_id=form.result))
    return form.page("console/new.html")


def _open(**data: str) -> UUID:
    db.session.remove()  # what happens inside the new tenant is done by the app role again
    return open_tenant(**data)


@bp.get("/tenants/<uuid:tenant_id>")
@operator_only
def show(tenant_id: UUID) -> Response:
    """One tenant: sizes, staff, access."""
    tenant = console_queries.tenant(tenant_id)
    staff, figures = console_queries.staff_of(tenant_id), console_queries.figures(tenant_id)
    return page("console/show.html", tenant=tenant, staff=staff, figures=figures)


@bp.post("/tenants/<uuid:tenant_id>/status/<status>")
@operator_only
def set_status(tenant_id: UUID, status: str) -> Response:
    """Suspend a tenant, or let it in again."""
    if status not in ("active", "suspended"):
        raise NotFound
    tenant = console_services.set_tenant_status(tenant_id, status=status)
    if status == "suspended":
        console_services.end_all_sessions(tenant_id)
    flash(_("%(name)s: saved.", name=tenant.name), "success")
    return see_other(url_for(".show", tenant_id=tenant_id))


# ---------------------------------------------------------------- the installation


@bp.get("/queues")
@operator_only
def queues() -> Response:
    """Queues and workers."""
    return page("console/queues.html", queues=console_queries.queues(), workers=console_queries.workers())


@bp.get("/health")
@operator_only
def health() -> Response:
    """Whether everything answers, and what waits for a person."""
    return page(
        "console/health.html",
        checks=readiness(),
        late=console_queries.late_events(),
        parked=console_queries.parked_receipts(),
        size=console_queries.database_size(),
    )


@bp.post("/demo/remove")
@operator_only
def remove_demo() -> Response:
    """Delete the demo tenants with everything that is theirs."""
    db.session.rollback()
    deleted = console_services.purge_demo()
    count = sum(deleted.values())
    flash(_("The demo is gone: %(count)s rows deleted.", count=count) if deleted else _("There is no demo."), "success")
    return see_other(url_for(".index"))
