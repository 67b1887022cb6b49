"""Health doors: is this process alive, can it serve, what does it count."""

from __future__ import annotations

import hmac

from flask import Blueprint, Response, current_app, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from tenants.access import public
from tenants.errors import NotFound
from tenants.health.queries import readiness

bp = Blueprint("health", __name__)
bp.face = "any"  # type: ignore[attr-defined]  # answers inside and outside tenants


@bp.get("/healthz")
@public
def healthz() -> Response:
    """The process answers."""
    return jsonify(status="ok")


@bp.get("/readyz")
@public
def readyz() -> Response:
    """PostgreSQL (migrated) and Redis answer; 503 names the one that does not."""
    checks = readiness()
    response = jsonify(status="ok" if all(checks.values()) else "unavailable", checks=checks)
    response.status_code = 200 if all(checks.values()) else 503
    return response


@bp.get("/metrics")
@public
def metrics() -> Response:
    """Prometheus figures for a scraper that sends the metrics token; nobody else sees that it exists."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(given, current_app.extensions["settings"].metrics_token):
        raise NotFound
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)
