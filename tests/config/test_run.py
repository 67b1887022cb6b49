"""`make run`: refuses with a remedy before it starts anything, restarts what dies, stops in order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config import run
from config.processes import ServerError

ROOT = Path(__file__).resolve().parents[2]
HANDED_DOWN = (
    "DATABASE_URL",
    "DATABASE_APP_URL",
    "DATABASE_OWNER_URL",
    "DATABASE_SYSTEM_URL",
    "REDIS_URL",
    "PERENNIAL_ENV",
)


def environment(state: Path, port: int, **more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in HANDED_DOWN}
    return {
        **inherited,
        "PERENNIAL_STATE": str(state),
        "PORT": str(port),
        "DEMO": "0",
        "WORKERS": "1",
        "WEB_WORKERS": "1",
        **more,
    }


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@contextmanager
def running(state: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    with (state.parent / "console.txt").open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.run"],
            cwd=ROOT,
            env=environment(state, port),
            stdout=out,
            stderr=out,
            text=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(60)


def ready(port: int, within: float = 60) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    return False


def test_taken_port_is_named_with_a_free_one(busy_port: int) -> None:
    with pytest.raises(ServerError, match=rf"Port {busy_port} is taken.*PORT=[0-9]+ make run"):
        run.check_port("127.0.0.1", busy_port)


def test_taken_port_starts_nothing(tmp_path: Path, busy_port: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "config.run"],
        cwd=ROOT,
        env=environment(tmp_path / "state", busy_port),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"Port {busy_port} is taken" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "state" / "postgres").exists()


@pytest.mark.parametrize("value", ["eighty", "8000.5"])
def test_port_that_is_no_number_is_a_sentence(value: str) -> None:
    with pytest.raises(ServerError, match="PORT must be a whole number"):
        run.number({"PORT": value}, "PORT", 8000)


def test_whole_life(tmp_path: Path) -> None:
    """Starts in a path with a space, refuses a twin, brings a killed process back, stops clean, starts again."""
    state = tmp_path / "a state"
    port = run.free_port("127.0.0.1", wanted=20000 + os.getpid() % 20000, taken=set())
    with running(state, port) as process:
        assert ready(port), (tmp_path / "console.txt").read_text()
        twin = subprocess.run(
            [sys.executable, "-m", "config.run"],
            cwd=ROOT,
            env=environment(state, port + 1),
            capture_output=True,
            text=True,
            check=False,
        )
        assert twin.returncode == 1
        assert "already runs" in twin.stderr
        relay = subprocess.check_output(["pgrep", "-P", str(process.pid), "-f", "tenants.relay"], text=True).split()
        os.kill(int(relay[0]), signal.SIGKILL)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            again = subprocess.run(
                ["pgrep", "-P", str(process.pid), "-f", "tenants.relay"], capture_output=True, text=True, check=False
            )
            if again.stdout.split() not in ([], relay):
                break
            time.sleep(0.2)
        assert again.stdout.split() not in ([], relay)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    said = (tmp_path / "console.txt").read_text()
    assert "relay ended" in said
    assert "Stopped." in said
    assert "Traceback" not in said
    assert not (state / "postgres" / "data" / "postmaster.pid").exists()
    began = time.monotonic()
    with running(state, port):
        assert ready(port)
    assert time.monotonic() - began < 60
