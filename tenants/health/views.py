"""Health doors: is this process alive, can it serve, what does it count, what waits for a person."""

from __future__ import annotations

import hmac
from uuid import UUID

from flask import Blueprint, Response, current_app, flash, jsonify, request, url_for
from flask_babel import gettext as _
from prometheus_client import CONTENT_TYPE_LATEST

from tenants.access import public, requires
from tenants.errors import NotFound
from tenants.health import metrics as figures
from tenants.health import queries, services
from tenants.jobs import QUEUES
from tenants.web import page, see_other

probes = Blueprint("probes", __name__)
probes.face = "any"  # type: ignore[attr-defined]  # answer inside and outside tenants

bp = Blueprint("health", __name__, url_prefix="/admin/health")
bp.face = "admin"  # type: ignore[attr-defined]


@probes.get("/healthz")
@public
def healthz() -> Response:
    """The process answers."""
    return jsonify(status="ok")


@probes.get("/readyz")
@public
def readyz() -> Response:
    """PostgreSQL (migrated) and Redis answer; 503 names the one that does not."""
    checks = queries.readiness()
    response = jsonify(status="ok" if all(checks.values()) else "unavailable", checks=checks)
    response.status_code = 200 if all(checks.values()) else 503
    return response


@probes.get("/metrics")
@public
def metrics() -> Response:
    """Prometheus figures for a scraper that sends the metrics token; nobody else sees that it exists."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
    if not hmac.compare_digest(given, current_app.extensions["settings"].metrics_token.encode()):
        raise NotFound
    return Response(figures.exposition(), content_type=CONTENT_TYPE_LATEST)


@bp.get("/")
@requires("health.view")
def index() -> Response:
    """Whether what happens is also dealt with."""
    return page(
        "health/index.html",
        checks=queries.readiness(),
        backlog=queries.backlog(),
        events=queries.parked_events(),
        tasks=queries.parked_tasks(),
        runs=queries.last_runs(),
        depths=queries.queue_depths(QUEUES),
        partitions_until=queries.partitions_until(),
    )


@bp.post("/events/<uuid:event_id>/retry")
@requires("health.retry")
def retry_event(event_id: UUID) -> Response:
    """Hand a parked event to its handler again."""
    services.retry_event(handler=request.form.get("handler", ""), event_id=event_id)
    flash(_("It is tried again."), "success")
    return see_other(url_for(".index"))


@bp.post("/tasks/<uuid:task_id>/retry")
@requires("health.retry")
def retry_task(task_id: UUID) -> Response:
    """Run a parked job again."""
    services.retry_task(task_id)
    flash(_("It is tried again."), "success")
    return see_other(url_for(".index"))
