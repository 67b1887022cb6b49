"""A worker: takes jobs from the queues and runs each in a process of its own.

    python -m tenants.worker [queue …]          default: all, in the order of tenants.jobs.QUEUES

SIGTERM lets the job in hand finish. A worker that is killed loses nothing: its job's rows are open
again at once, and the relay hands them over.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading

import structlog
from redis import Redis, RedisError
from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.utils import import_string

from config.extensions import db
from config.settings import get_settings
from tenants.jobs import QUEUES

log = structlog.get_logger("worker")


class TenantWorker(Worker):
    """RQ's forking worker; the app is made once in the parent and shared with each child."""

    max_connection_wait_time = 2.0  # seconds between looks for a Redis that went away
    asked_to_stop = False

    def handle_warm_shutdown_request(self) -> None:
        """Remember that this is an end and not a lost connection."""
        self.asked_to_stop = True
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """In the child: the parent's database connections are not ours to use."""
        for engine in db.engines.values():
            engine.dispose(close=False)
        super().main_work_horse(job, queue)


def make_worker(queues: list[str]) -> TenantWorker:
    """A worker with a connection of its own."""
    settings = get_settings()
    connection = Redis.from_url(settings.redis_url, health_check_interval=30)
    # The relay takes a job for dead when its heartbeat is older than redeliver_seconds.
    every = max(1, settings.redeliver_seconds // 4)
    return TenantWorker(
        queues,
        connection=connection,
        serializer=JSONSerializer,
        job_monitoring_interval=every,
        log_job_description=False,
    )


def run_worker(queues: list[str]) -> None:
    """Work until asked to stop. RQ's worker gives up when Redis goes away; ours waits for it."""
    stop = threading.Event()
    while not stop.is_set():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        try:
            worker = make_worker(queues)
            worker.work(logging_level="WARNING")
            if worker.asked_to_stop:
                return
        except RedisError as error:
            log.warning("worker_waits", error=str(error))
        stop.wait(0.5)


def warm_up() -> None:
    """Learn what every job would have to: SQLAlchemy asks a server some questions on its first connection."""
    for engine in db.engines.values():
        with contextlib.suppress(SQLAlchemyError):  # a database that is away is the jobs' business
            engine.connect().close()
        engine.dispose()
    gc.freeze()  # what exists now stays shared with the children


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    app = import_string("app:create_app")()
    with app.app_context():
        warm_up()
        log.info("worker_started", pid=os.getpid())
        run_worker(sys.argv[1:] or list(QUEUES))
        log.info("worker_stopped")


if __name__ == "__main__":
    import_string("tenants.worker:main")()
