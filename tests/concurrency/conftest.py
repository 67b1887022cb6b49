"""A small installation of real processes that a test may kill."""

from __future__ import annotations

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

PATIENCE = 40.0  # seconds until a test gives up waiting


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


class Installation:
    """Redis of its own, the test database, and processes by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.redis = EmbeddedRedis(folder)
        self.port = free_port()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
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
        environment = os.environ | {
            "REDIS_URL": self.redis.url(),
            "PORT": str(self.port),
            "REDELIVER_SECONDS": "2",
            "LOG_LEVEL": "INFO",
        }
        with (self.folder / f"{name}.log").open("ab") as out:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-c", "from tests.concurrency.probe import main; main()", name.partition("-")[0]],
                env=environment,
                cwd=ROOT,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def kill(self, name: str, *, number: int = signal.SIGKILL) -> int:
        """Send a signal to the process alone (a worker's job goes on as an orphan) and collect it."""
        process = self.processes.pop(name)
        process.send_signal(number)
        return process.wait(30)

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
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait(30)
        self.redis.stop()
        self.owner.execute("DROP TABLE probe_effects")
        self.owner.close()
        self.system.close()


@pytest.fixture
def installation(tenant: TenantInfo) -> Iterator[Installation]:
    """Redis is up; the test starts the rest. The folder is short because a socket's path must be."""
    folder = Path(tempfile.mkdtemp(prefix="pn-"))
    made = Installation(folder)
    made.redis.start()
    try:
        yield made
    finally:
        made.stop()
        for log in sorted(folder.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}")  # noqa: T201  shown when the test fails
        shutil.rmtree(folder, ignore_errors=True)
