"""The health doors and page: who may ask, and what they are told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, update

from config.extensions import ROOT, db
from tenants.events import Event, Receipt, record
from tenants.health import queries
from tenants.info import TenantInfo
from tenants.scope import tenant_scope
from tenants.tasks import Task
from tests.tenants.test_relay import Rang


def test_a_live_process_says_so(client: Any) -> None:
    assert client.get("/healthz").json == {"status": "ok"}


def test_a_ready_installation_says_so(client: Any) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json["checks"] == {"postgresql": True, "migrations": True, "redis": True}


def test_an_installation_without_redis_is_not_ready(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        from redis import RedisError

        raise RedisError

    monkeypatch.setattr(queries, "redis", away)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["checks"]["redis"] is False
    assert answer.json["checks"]["postgresql"] is True


def test_metrics_do_not_exist_for_the_public(client: Any) -> None:
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer wröng"}).status_code == 404


def test_metrics_count_requests_and_backlogs(app: Flask, client: Any) -> None:
    client.get("/healthz")
    token = app.extensions["settings"].metrics_token
    text = client.get("/metrics", headers={"Authorization": f"Bearer {token}"}).get_data(as_text=True)
    for name in ("perennial_requests_total", 'perennial_up{server="redis"} 1.0', 'perennial_parked{what="events"}'):
        assert name in text
    assert 'perennial_queue_jobs{queue="bulk"}' in text
    assert "perennial_request_seconds_bucket" in text


@pytest.fixture
def parked(context: Flask, tenant: TenantInfo) -> Any:
    """A parked event and a parked job; their ids."""
    with tenant_scope(tenant.id):
        record(Rang("x"))
        event = db.session.query(Event).one()
        now = datetime.now(UTC)
        receipt = Receipt(event_id=event.id, handler="test.bells", event_recorded_at=event.recorded_at)
        receipt.parked_at, receipt.error, receipt.attempts = now, "ValueError: cracked", 5
        task = Task(job="tests.nothing", parked_at=now, error="gone", attempts=5)
        db.session.add_all([receipt, task])
        db.session.flush()  # the ids are needed
        ids = event.id, task.id
        db.session.execute(update(Event).where(Event.id == event.id).values(published_at=func.now()))
        db.session.commit()
    return ids


def test_the_page_shows_what_was_set_aside_and_tries_it_again(
    app: Flask, tenant: TenantInfo, parked: Any, staff_client: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    event_id, task_id = parked
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", False)
    manager = staff_client("manager")
    text = manager.get("/admin/health/").get_data(as_text=True)
    assert "ValueError: cracked" in text
    assert "tests.nothing" in text
    answer = manager.post(f"/admin/health/events/{event_id}/retry", data={"handler": "test.bells"})
    assert answer.status_code == 303
    assert manager.post(f"/admin/health/tasks/{task_id}/retry").status_code == 303
    assert manager.post(f"/admin/health/tasks/{task_id}/retry").status_code == 404  # it is no longer set aside
    with tenant_scope(tenant.id):
        assert queries.parked_events() == queries.parked_tasks() == []
        assert queries.backlog().unanswered == 1


def test_an_analyst_may_look_but_not_retry(
    app: Flask, parked: Any, staff_client: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", False)
    analyst = staff_client("analyst")
    assert "/retry" not in analyst.get("/admin/health/").get_data(as_text=True)
    assert analyst.post(f"/admin/health/tasks/{parked[1]}/retry").status_code == 403


def test_partitions_are_ready_ahead(scope: Any) -> None:
    until = queries.partitions_until()
    assert until is not None
    assert (until - datetime.now(UTC).date()).days > 28


def test_the_page_has_a_fixed_number_of_queries(
    staff_client: Callable[..., Any], query_count: Callable[..., Any], parked: Any
) -> None:
    manager = staff_client("manager")
    manager.get("/admin/health/")
    with query_count() as seen:
        assert manager.get("/admin/health/").status_code == 200
    assert len(seen) <= 12, seen


def test_several_web_processes_count_together(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tenants.health import metrics

    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    count = "from tenants.health.metrics import REQUESTS; REQUESTS.labels('till', '2xx').inc()"
    for _ in range(2):
        subprocess.run([sys.executable, "-c", count], cwd=ROOT, check=True)
    with app.app_context():
        text = metrics.exposition().decode()
    assert 'perennial_requests_total{face="till",status="2xx"} 2.0' in text
    assert 'perennial_up{server="postgresql"} 1.0' in text
