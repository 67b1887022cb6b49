"""A small installation of real processes that a test may kill."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from config.embedded_redis import EmbeddedRedis
from config.extensions import ROOT
from tenants.info import TenantInfo
from tests.concurrency import probe

PATIENCE = 120.0  # seconds until a test gives up waiting; a busy machine needs ten to start a process


def wait_until(met: Callable[[], Any], what: str, *, patience: float = PATIENCE) -> None:
    """Poll until `met()` is true; fail with `what` when it is not in time."""
    deadline = time.monotonic() + patience
    while not met():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {patience:.0f} s: {what}")
        time.sleep(0.05)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Zygote:
    """Starts processes of the program and waits for their end."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.concurrency.zygote"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer()

    def ask(self, **wish: object) -> int:
        """One wish, one answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{json.dumps(wish)}\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> int:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())  # type: ignore[no-any-return]  # the zygote answers numbers

    def stop(self) -> None:
        """End it; what it started has been ended before."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


@pytest.fixture(scope="session")
def zygote(servers: None) -> Iterator[Zygote]:
    """One for all tests of this folder."""
    made = Zygote()
    yield made
    made.stop()


class Installation:
    """Redis of its own, the test database, and processes by name."""

    def __init__(self, folder: Path, zygote: Zygote) -> None:
        self.folder = folder
        self.zygote = zygote
        self.redis = EmbeddedRedis(folder)
        self.port = free_port()
        self.processes: dict[str, int] = {}
        url = make_url(os.environ["DATABASE_OWNER_URL"]).set(drivername="postgresql")
        self.owner = psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)
        self.system = psycopg.connect(
            make_url(os.environ["DATABASE_SYSTEM_URL"])
            .set(drivername="postgresql")
            .render_as_string(hide_password=False),
            autocommit=True,
        )
        self.owner.execute(probe.TABLE)
        self.owner.execute("TRUNCATE probe_effects")
        self.owner.execute(probe.GRANT)
        # What earlier tests of this worker left must not keep the relay busy here.
        for table in ("receipts", "tasks"):
            self.system.execute(f"UPDATE {table} SET done_at = now() WHERE done_at IS NULL")
        self.system.execute("UPDATE events SET published_at = now() WHERE published_at IS NULL")

    def start(self, name: str) -> None:
        """Start "web", "relay", "scheduler" or "worker"; a number may follow the name ("worker-2")."""
        environment = {"REDIS_URL": self.redis.url(), "PORT": str(self.port), "REDELIVER_SECONDS": "3"}
        log = str(self.folder / f"{name}.log")
        self.processes[name] = self.zygote.ask(start=name.partition("-")[0], env=environment, log=log)

    def kill(self, name: str, *, number: int = signal.SIGKILL) -> int:
        """Send a signal to the process alone (a worker's job goes on as an orphan) and collect it."""
        pid = self.processes.pop(name)
        os.kill(pid, number)
        return self.zygote.ask(wait=pid)

    def kill_redis(self) -> None:
        """kill -9, so that Redis writes nothing down at the end."""
        pid = int((self.redis.home / "server.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        self.redis.stop()

    def effects(self, what: str = "%") -> list[tuple[str, str, str]]:
        """All effects so far: tenant, what, subject."""
        query = "SELECT tenant_id::text, what, subject::text FROM probe_effects WHERE what LIKE %s"
        return self.owner.execute(query, (what,)).fetchall()

    def ask(self, query: str, *params: Any) -> Any:
        """One value, read as the system role."""
        row = self.system.execute(query, params).fetchone()  # type: ignore[call-overload]
        return row[0] if row else None

    def stop(self) -> None:
        """End everything that was started here."""
        for name in list(self.processes):
            self.kill(name)
        self.redis.stop()
        self.owner.execute("DROP TABLE probe_effects")
        self.owner.close()
        self.system.close()


@pytest.fixture
def installation(tenant: TenantInfo, zygote: Zygote) -> Iterator[Installation]:
    """Redis is up; the test starts the rest. The folder is short because a socket's path must be."""
    folder = Path(tempfile.mkdtemp(prefix="pn-"))
    made = Installation(folder, zygote)
    made.redis.start()
    try:
        yield made
    finally:
        made.stop()
        for log in sorted(folder.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}")  # noqa: T201  shown when the test fails
        shutil.rmtree(folder, ignore_errors=True)
