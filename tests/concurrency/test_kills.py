"""Redis, worker, relay and web are killed while facts flow: none is lost and each has one effect."""

from __future__ import annotations

import random
import signal
import threading
from collections import Counter
from urllib.error import URLError
from urllib.request import Request, urlopen
from uuid import uuid4

from tenants.info import TenantInfo
from tests.concurrency.conftest import Installation, wait_until

CHUNKS = 15


class Customer(threading.Thread):
    """Pokes the web server until told to stop; keeps the numbers it was promised."""

    def __init__(self, base: str) -> None:
        super().__init__(daemon=True)
        self.base = base
        self.promised: list[str] = []
        self.done = threading.Event()

    def post(self, path: str) -> str | None:
        """Post; the body of a good answer."""
        try:
            with urlopen(Request(f"{self.base}{path}", method="POST"), timeout=5) as answer:
                return answer.read().decode()
        except (URLError, OSError):
            return None

    def run(self) -> None:
        """Poke some fifteen times a second; wait a little when the server is away."""
        while not self.done.is_set():
            body = self.post("/probe/poke")
            if body is None:
                self.done.wait(0.1)
            else:
                self.promised.append(body.split('"')[3])
                self.done.wait(0.05)


def test_kills_lose_nothing_and_double_nothing(
    installation: Installation, tenant: TenantInfo, other_tenant: TenantInfo
) -> None:
    for name in ("web", "relay-1", "relay-2", "worker-1", "worker-2"):
        installation.start(name)
    customers = [Customer(f"http://127.0.0.1:{installation.port}/t/{who.slug}") for who in (tenant, other_tenant)]
    wait_until(lambda: customers[0].post(f"/probe/chain/import/{CHUNKS}"), "the web server answers")
    for customer in customers:
        customer.start()

    for step in _steps(installation):
        seen = len(installation.effects())
        wait_until(lambda seen=seen: len(installation.effects()) > seen + 10, "facts flow between the kills")
        step()

    for customer in customers:
        customer.done.set()
        customer.join()
    wait_until(lambda: _all_done(installation), "everything owed is done")
    _judge(installation, [number for customer in customers for number in customer.promised])


def _steps(installation: Installation) -> list[object]:
    def restart(name: str, number: int = signal.SIGKILL) -> None:
        installation.kill(name, number=number)
        installation.start(name)

    def redis_dies() -> None:
        installation.kill_redis()
        installation.redis.start()

    def redis_forgets() -> None:
        import redis

        with redis.Redis.from_url(installation.redis.url()) as client:
            client.flushall()

    steps = [
        lambda: restart("worker-1"),
        lambda: restart("relay-1"),
        redis_dies,
        lambda: restart("web"),
        redis_forgets,
        lambda: (installation.kill("worker-1"), restart("worker-2"), installation.start("worker-1")),
        lambda: restart("relay-2", signal.SIGTERM),
    ]
    random.Random().shuffle(steps)
    return steps


def _all_done(installation: Installation) -> bool:
    unpublished = installation.ask("SELECT count(*) FROM events WHERE published_at IS NULL")
    owed = installation.ask("SELECT count(*) FROM receipts WHERE done_at IS NULL AND parked_at IS NULL")
    return not unpublished and not owed and len(installation.effects("chunk%")) >= CHUNKS


def _judge(installation: Installation, promised: list[str]) -> None:
    recorded = installation.system.execute(
        "SELECT id::text, payload->>'number' FROM events WHERE kind = 'probe.poked'"
    ).fetchall()
    effects = Counter((what, subject) for _tenant, what, subject in installation.effects())
    assert set(effects.values()) == {1}, "nothing happened twice"
    for handler in ("first", "second"):
        assert {subject for what, subject in effects if what == handler} == {event_id for event_id, _number in recorded}
    assert set(promised) <= {number for _event_id, number in recorded}, "what was promised was kept"
    assert len(promised) > 50
    assert sum(what.startswith("chunk") for what, _subject in effects) == CHUNKS
    ours = "handler LIKE 'probe.%%' AND parked_at IS NOT NULL"
    assert installation.ask(f"SELECT count(*) FROM receipts WHERE {ours}") == 0
    assert installation.ask("SELECT count(*) FROM tasks WHERE job LIKE '%%probe%%' AND parked_at IS NOT NULL") == 0


def test_a_job_that_is_queued_twice_runs_once(installation: Installation, tenant: TenantInfo) -> None:
    from redis import Redis
    from rq import Queue
    from rq.serializers import JSONSerializer

    task_id = installation.ask(
        "INSERT INTO tasks (tenant_id, job, args, due_at) VALUES (%s, 'tests.concurrency.probe.slow', '[0.5]', 'infinity') RETURNING id::text",
        tenant.id,
    )
    with Redis.from_url(installation.redis.url()) as connection:
        queue = Queue("default", connection=connection, serializer=JSONSerializer)
        for _ in range(4):
            queue.enqueue("tenants.jobs.run_task", str(tenant.id), task_id, job_id=uuid4().hex)
        installation.start("worker-1")
        installation.start("worker-2")
        wait_until(lambda: queue.finished_job_registry.count == 4, "the four jobs ran")
        assert queue.failed_job_registry.count == 0
    assert len(installation.effects("slow")) == 1


def test_a_worker_that_is_asked_to_stop_finishes_its_job(installation: Installation, tenant: TenantInfo) -> None:
    installation.ask(
        "INSERT INTO tasks (tenant_id, job, args) VALUES (%s, 'tests.concurrency.probe.slow', '[1.0]') RETURNING id::text",
        tenant.id,
    )
    for name in ("relay", "worker"):
        installation.start(name)

    def running() -> bool:
        query = "SELECT count(*) FROM pg_locks WHERE relation = 'probe_effects'::regclass AND mode = 'RowExclusiveLock'"
        return bool(installation.ask(query))

    wait_until(running, "the job has written its effect and goes on")
    assert installation.kill("worker", number=signal.SIGTERM) == 0
    assert len(installation.effects("slow")) == 1
    assert installation.kill("relay", number=signal.SIGTERM) == 0


def test_two_schedulers_owe_each_tenant_one_run(
    installation: Installation, tenant: TenantInfo, other_tenant: TenantInfo
) -> None:
    # Made before this minute began, so that this minute's run is theirs as well.
    installation.system.execute(
        "UPDATE tenants SET created_at = now() - interval '1 day' WHERE id IN (%s, %s)", (tenant.id, other_tenant.id)
    )
    for name in ("scheduler-1", "scheduler-2", "relay", "worker"):
        installation.start(name)
    _push_ticks(installation, 6)
    both = {str(tenant.id), str(other_tenant.id)}
    wait_until(
        lambda: both <= {who for who, _what, _subject in installation.effects("minute")}, "the minute's work was done"
    )
    wait_until(lambda: _queue_count(installation, "high") == 0, "every tick ran")
    keys = installation.system.execute(
        "SELECT tenant_id::text, key FROM tasks WHERE key LIKE 'probe.minute@%'"
    ).fetchall()
    wait_until(lambda: _all_minutes_done(installation), "what was owed is done")
    done = Counter(who for who, _what, _subject in installation.effects("minute"))
    for who in both:
        minutes = installation.ask(
            "SELECT count(*) FROM tasks WHERE key LIKE 'probe.minute@%%' AND tenant_id = %s", who
        )
        assert done[who] == minutes, "each minute once"
    assert len(keys) == len(set(keys))
    for name in ("scheduler-1", "scheduler-2"):
        assert installation.kill(name, number=signal.SIGTERM) == 0


def _push_ticks(installation: Installation, count: int) -> None:
    from redis import Redis
    from rq import Queue
    from rq.serializers import JSONSerializer

    with Redis.from_url(installation.redis.url()) as connection:
        queue = Queue("high", connection=connection, serializer=JSONSerializer)
        for _ in range(count):
            queue.enqueue("tenants.scheduler.tick", job_id=uuid4().hex)


def _queue_count(installation: Installation, name: str) -> int:
    from redis import Redis

    with Redis.from_url(installation.redis.url()) as connection:
        return int(connection.llen(f"rq:queue:{name}"))  # type: ignore[arg-type]  # synchronous client


def _all_minutes_done(installation: Installation) -> bool:
    return installation.ask("SELECT count(*) FROM tasks WHERE key LIKE 'probe.minute@%%' AND done_at IS NULL") == 0
