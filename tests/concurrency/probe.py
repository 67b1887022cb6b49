"""The real processes with a probe inside: a door that records facts, handlers and jobs that count effects.

main() runs one of web, relay, worker and scheduler.

An effect is a plain row without any unique rule, so that what happens twice is seen twice.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from uuid import NAMESPACE_OID, UUID, uuid5

from flask import Blueprint, Flask, Response, jsonify
from sqlalchemy import text
from werkzeug.serving import run_simple
from werkzeug.utils import import_string

import app as composition
from config.extensions import csrf, db
from tenants.access import public
from tenants.events import Event, Fact, handles, record
from tenants.ids import new_id
from tenants.jobs import continue_with, periodic, run_after_commit, tenant_job
from tenants.scope import current_tenant_id

TABLE = "CREATE TABLE IF NOT EXISTS probe_effects (tenant_id uuid, what text, subject uuid)"
GRANT = "GRANT SELECT, INSERT ON probe_effects TO perennial_app"

bp = Blueprint("probe", __name__, url_prefix="/probe")
bp.face = "any"  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Poked(Fact):
    """Somebody poked the probe."""

    kind = "probe.poked"
    number: UUID


def note(what: str, subject: UUID) -> None:
    """Write one effect."""
    values = {"tenant": current_tenant_id(), "what": what, "subject": subject}
    db.session.execute(text("INSERT INTO probe_effects VALUES (:tenant, :what, :subject)"), values)


@handles("probe.poked", name="probe.first")
def first(events: list[Event]) -> None:
    """Note every event; slowly enough to be killed in the middle."""
    for event in events:
        note("first", event.id)
    time.sleep(0.1)


@handles("probe.poked", name="probe.second", queue="default")
def second(events: list[Event]) -> None:
    """A second handler on another queue."""
    for event in events:
        note("second", event.id)


@tenant_job(queue="bulk")
def chunk(tenant_id: UUID, name: str, number: int, last: int) -> None:
    """One chunk of long work."""
    note(f"chunk {name}", uuid5(NAMESPACE_OID, str(number)))
    time.sleep(0.02)
    if number < last:
        continue_with(chunk, tenant_id, name, number + 1, last)


@tenant_job()
def slow(_tenant_id: UUID, seconds: float) -> None:
    """Takes its time before and after its effect."""
    note("slow", uuid5(NAMESPACE_OID, "slow"))
    time.sleep(seconds)


@periodic("* * * * *", name="probe.minute")
def minute(_tenant_id: UUID) -> None:
    """Due every minute."""
    note("minute", uuid5(NAMESPACE_OID, "minute"))


@bp.post("/poke")
@public
def poke() -> Response:
    """Record one fact and answer its number."""
    number = new_id()
    record(Poked(number))
    return jsonify(number=str(number))


@bp.post("/chain/<name>/<int:last>")
@public
def chain(name: str, last: int) -> Response:
    """Start long work of so many chunks."""
    run_after_commit(chunk, current_tenant_id(), name, 1, last)
    return jsonify(status="started")


make = composition.create_app


def create_app() -> Flask:
    """The app with the probe's door."""
    made = make()
    csrf.exempt(bp)
    made.register_blueprint(bp)
    return made


def main() -> None:
    """Run one process of the installation."""
    composition.create_app = create_app
    what = sys.argv.pop(1)
    if what == "web":
        run_simple("127.0.0.1", int(os.environ["PORT"]), create_app(), threaded=True)
    else:
        import_string(f"tenants.{what}:main")()
