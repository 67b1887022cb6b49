"""The bench's own stage: servers, a migrated database, the web server as `make run` starts it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.load import ROOT, BenchError
from config import bootstrap, servers, testing

DATABASE = "perennial_bench"


@dataclass(frozen=True)
class Stage:
    """Where the servers of this run are. `admin_url` is libpq's address of a role that may do everything."""

    admin_url: str
    app_url: str
    state: Path
    environment: dict[str, str]


@contextmanager
def stage() -> Iterator[Stage]:
    """Servers and a fresh database for one run; the variables are put into os.environ."""
    state = servers.state_dir(os.environ) / "bench"
    claimed = servers.lease({**os.environ, "PERENNIAL_STATE": str(state)})
    try:
        admin = claimed.environment["DATABASE_URL"]
        urls = testing.fresh_database(admin, DATABASE)
        environment = {
            **claimed.environment,
            "DATABASE_URL": urls.admin,
            "DATABASE_APP_URL": urls.app,
            "DATABASE_OWNER_URL": urls.owner,
            "DATABASE_SYSTEM_URL": urls.system,
            "PERENNIAL_STATE": str(state),
            "LOG_LEVEL": "WARNING",
        }
        os.environ.update(environment)
        yield Stage(bootstrap.libpq(urls.admin), bootstrap.libpq(urls.app), state, environment)
    finally:
        testing.drop_database(claimed.environment["DATABASE_URL"], DATABASE)
        claimed.release()


@contextmanager
def web(place: Stage, target: str = "app:create_app") -> Iterator[str]:
    """granian with two workers of four threads, as in production; yields its address."""
    port = _free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "--workers", "2"]
    command += ["--blocking-threads", "4", "--host", "127.0.0.1", "--port", str(port), "--no-access-log", target]
    log = (place.state / "web.log").open("ab")
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PORT": str(port)}, stdout=log, stderr=log)
    try:
        _wait(f"http://127.0.0.1:{port}/healthz", process, place.state / "web.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
        log.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise BenchError(f"the web server did not answer: {log.read_text()[-800:]}")
