"""Prometheus figures: requests as they happen, backlogs when somebody asks.

With several web processes each writes its counts into PROMETHEUS_MULTIPROC_DIR (set by `make run`), and
whichever is asked adds them up. No tenant is a label: there may be ten thousand.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from flask import Flask, Response, g, request
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from config.extensions import redis
from tenants.health import queries
from tenants.jobs import LAST_TICK, QUEUES

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REQUESTS = Counter("perennial_requests_total", "Requests by face and class of status", ["face", "status"])
SECONDS = Histogram("perennial_request_seconds", "Seconds to the first byte, by face", ["face"], buckets=BUCKETS)


def init_app(app: Flask) -> None:
    """Count every request of the app."""
    app.after_request(_observe)


def _observe(response: Response) -> Response:
    face = g.get("face") or ("static" if request.endpoint == "static" else "none")
    REQUESTS.labels(face, f"{response.status_code // 100}xx").inc()
    if "started" in g:
        SECONDS.labels(face).observe(time.perf_counter() - g.started)
    return response


class Backlogs(Collector):
    """Gauges that are read from PostgreSQL and Redis at the moment of the question."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What waits, and whether the servers answer; a server that does not leaves its gauges out."""
        up = GaugeMetricFamily("perennial_up", "1 when the server answers", labels=["server"])
        for server, ok in queries.readiness().items():
            up.add_metric([server], float(ok))
        yield up
        try:
            yield from self._owed()
        except SQLAlchemyError:
            return
        try:
            yield from self._queues()
        except RedisError:
            return

    def _owed(self) -> Iterator[GaugeMetricFamily]:
        found = queries.totals()
        waiting = GaugeMetricFamily("perennial_waiting", "Rows on their way", labels=["what"])
        parked = GaugeMetricFamily("perennial_parked", "Rows given up until a person says retry", labels=["what"])
        for what, value in (("events", found.unpublished), ("receipts", found.unanswered), ("tasks", found.tasks)):
            waiting.add_metric([what], value)
        for what, value in (("events", found.parked_events), ("tasks", found.parked_tasks)):
            parked.add_metric([what], value)
        yield waiting
        yield parked
        yield GaugeMetricFamily(
            "perennial_oldest_event_seconds", "Age of the oldest event the relay has not seen", found.oldest_seconds
        )

    def _queues(self) -> Iterator[GaugeMetricFamily]:
        depth = GaugeMetricFamily("perennial_queue_jobs", "Jobs waiting in a queue", labels=["queue"])
        for name, count in queries.queue_depths(QUEUES).items():
            depth.add_metric([name], count)
        yield depth
        last = redis().get(LAST_TICK)
        if last is not None:
            age = max(0.0, time.time() - int(last))  # type: ignore[arg-type]  # the client is synchronous
            yield GaugeMetricFamily("perennial_scheduler_tick_age_seconds", "Since the scheduler's last tick", age)


def exposition() -> bytes:
    """All figures in Prometheus' text form, added up over the web processes."""
    registry = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):  # prometheus_client reads it itself, on import
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        backlogs: Collector = Backlogs()
        registry.register(backlogs)
        return generate_latest(registry)
    registry.register(Backlogs())
    return generate_latest(REGISTRY) + generate_latest(registry)
