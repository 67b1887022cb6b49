"""`make run`: every server and process of Perennial under one parent.

Ctrl-C or SIGTERM stops them in order, the web first and PostgreSQL last. What
they write goes into files under the state directory's ``logs``; the terminal
shows what a person should know. A process that dies is started again, after
a pause that grows.
"""

from __future__ import annotations

import errno
import fcntl
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

from config import bootstrap, console, servers
from config.processes import ServerError, make_private
from config.secrets import installation_secret
from config.settings import SettingsError, load

PATIENCE = 15.0  # seconds a process gets to finish what it is doing
STEADY = 60.0  # seconds after which a process counts as healthy again
LONGEST_PAUSE = 30.0
READY_WITHIN = 60.0
RUN_LOCK = "run.lock"


@dataclass
class Child:
    """One long-running process: started, watched, restarted, stopped."""

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    log_path: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    due: float = 0.0
    shows: Callable[[str], bool] | None = None

    def start(self) -> None:
        """Start it, its output going to its log file and its warnings to the terminal."""
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [*_with_parent(), *self.command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=servers.ROOT,
            env=self.environment,
            start_new_session=True,  # Ctrl-C is for the parent, which knows the order
        )
        threading.Thread(target=self._copy, args=(self.process,), daemon=True).start()

    def _copy(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is None:
            return
        show = console.Echo(self.name, shows=self.shows)
        with self.log_path.open("ab") as out:
            for line in process.stdout:
                out.write(line)
                out.flush()
                show.line(line.decode("utf-8", "replace").rstrip())

    def watch(self) -> None:
        """Start it again if it has ended, each time after a longer pause."""
        now = time.monotonic()
        if self.process and self.process.poll() is not None:
            code, self.process = self.process.returncode, None
            self.failures = 1 if now - self.started > STEADY else self.failures + 1
            pause = min(2.0 ** (self.failures - 1), LONGEST_PAUSE)
            self.due = now + pause
            console.warn(f"{self.name} ended (exit {code}); starting it again in {pause:.0f} s. Log: {self.log_path}")
        elif self.process is None and now >= self.due:
            self.start()

    def ask_to_stop(self) -> None:
        """Send SIGTERM; it finishes what it is doing."""
        if self.process and self.process.poll() is None:
            self.process.terminate()

    def wait_to_stop(self, deadline: float) -> None:
        """Wait until ``deadline`` (monotonic seconds), then kill it with all its children."""
        if not self.process:
            return
        try:
            self.process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            console.warn(f"{self.name} did not stop in {PATIENCE:.0f} s and was killed.")
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None


def _with_parent() -> list[str]:
    """A wrapper that ends the child when this process is killed, where the machine has it."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


def port_taken(host: str, port: int) -> bool:
    """Whether somebody listens on ``host``:``port``. Raises ServerError if we may not listen there at all."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            message = (
                f"Perennial may not listen on {host}:{port} ({error.strerror}). Choose another: PORT=8000 make run"
            )
            raise ServerError(message) from error
    return False


def free_port(host: str, *, wanted: int, taken: set[int]) -> int:
    """``wanted``, or the next port after it that is free and not in ``taken``."""
    port = wanted
    while port in taken or port_taken(host, port):
        port += 1
    return port


def check_port(host: str, port: int) -> None:
    """Raise ServerError, with the remedy, if the port is taken."""
    if port_taken(host, port):
        other = free_port(host, wanted=port + 1, taken=set())
        message = f"Port {port} is taken by another program. Use a free one: PORT={other} make run"
        raise ServerError(message)


def number(env: dict[str, str], name: str, default: int) -> int:
    """The whole number in the variable ``name``; raises ServerError if it holds something else."""
    try:
        return int(env.get(name) or default)
    except ValueError as error:
        message = f"{name} must be a whole number, not {env[name]!r}."
        raise ServerError(message) from error


class Run:
    """One run of the whole installation, from the first lock to the last log line."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env
        self.state = servers.state_dir(env)
        self.host = env.get("HOST") or "127.0.0.1"
        self.port = number(env, "PORT", 8000)
        self.children: list[Child] = []
        self.lease: servers.Lease | None = None
        self.stopping = threading.Event()

    # -- before anything starts -------------------------------------------
    def claim(self) -> IO[str]:
        """Hold this state directory; raises ServerError if another run does."""
        make_private(self.state)
        handle = (self.state / RUN_LOCK).open("a+")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            where = handle.read().strip() or "it is just starting"
            message = (
                f"Perennial already runs from {self.state} ({where}). Stop that one, or run a second beside it: "
                "PERENNIAL_STATE=./var2 PORT=8001 make run"
            )
            raise ServerError(message) from None
        handle.seek(0)
        handle.truncate()
        handle.write(f"process {os.getpid()}, http://{self.host}:{self.port}/")
        handle.flush()
        return handle

    def start_servers(self) -> None:
        """PostgreSQL and Redis up, roles and schema in place."""
        embedded = "embedded" if not self.env.get("DATABASE_URL") else "given"
        console.say(f"Starting the database ({embedded}) …")
        self.lease = servers.lease(self.env)
        self.env = {**self.env, **self.lease.environment, "PORT": str(self.port), "HOST": self.host}
        if not self.env.get("SECRET_KEY"):
            self.env["SECRET_KEY"] = installation_secret(self.state)
        try:
            load(self.env)
        except SettingsError as error:
            raise ServerError(str(error)) from error
        bootstrap.upgrade(self.env)

    def choose_mailbox(self) -> None:
        """Free ports for the development mailbox, unless mail goes to a real server."""
        if self.env.get("SMTP_HOST"):
            return
        smtp = free_port("127.0.0.1", wanted=number(self.env, "SMTP_PORT", 8025), taken={self.port})
        sms = free_port("127.0.0.1", wanted=number(self.env, "SMS_PORT", smtp + 1), taken={self.port, smtp})
        self.env |= {"SMTP_PORT": str(smtp), "SMS_PORT": str(sms)}
        self.env.setdefault("SMS_URL", f"http://127.0.0.1:{sms}/sms")

    def seed(self) -> None:
        """The demo tenants, on the first start of a development installation."""
        mark = self.state / "demo.seeded"
        wanted = self.env.get("DEMO", "0" if self.env.get("PERENNIAL_ENV") == "production" else "1") == "1"
        if mark.exists() or not wanted or not importlib.util.find_spec("demo"):
            return
        console.say("Making the demo tenants (once; DEMO=0 leaves them out) …")
        log_path = self.state / "logs" / "demo.log"
        command = [sys.executable, "-m", "flask", "demo", "seed"]
        seeding = Child("demo", command, self.env, log_path, shows=lambda _line: True)
        seeding.start()
        while seeding.process and seeding.process.poll() is None:
            if self.stopping.wait(0.2):
                seeding.ask_to_stop()
                seeding.wait_to_stop(time.monotonic() + PATIENCE)
                return
        if seeding.process and seeding.process.returncode:
            console.warn(f"The demo data could not be made; everything else runs. Log: {log_path}")
            return
        mark.touch()

    # -- the processes -----------------------------------------------------
    def commands(self) -> dict[str, list[str]]:
        """Every process by name."""
        python = [sys.executable, "-m"]
        wanted = {"relay": ["tenants.relay"], "scheduler": ["tenants.scheduler"]}
        # Every second worker takes long work first, so that neither an import nor a flood of events starves the other.
        orders = ((), ("high", "bulk", "default", "events"))
        wanted |= {f"worker-{n + 1}": ["tenants.worker", *orders[n % 2]] for n in range(number(self.env, "WORKERS", 2))}
        if not self.env.get("SMTP_HOST"):
            wanted = {"mailbox": ["tenants.delivery.mailbox"], **wanted}
        found = {name: [*python, *parts] for name, parts in wanted.items() if _exists(parts[0])}
        return {**found, "web": self.web_command()}

    def web_command(self) -> list[str]:
        """Granian with threads: measured 1.3 times gunicorn on the award door (stack.md)."""
        return [
            *(sys.executable, "-m", "granian", "app:create_app", "--factory", "--interface", "wsgi", "--no-ws"),
            *("--host", self.host, "--port", str(self.port), "--log-level", "warning"),
            *("--workers", str(number(self.env, "WEB_WORKERS", 2))),
            *("--blocking-threads", str(number(self.env, "WEB_THREADS", 4))),
            *("--workers-kill-timeout", "10"),
        ]

    def start_children(self, *names: str) -> None:
        """Start the processes ``names``, or all that do not run yet."""
        there = {child.name for child in self.children}
        for name, command in self.commands().items():
            if name not in there and (not names or name in names):
                child = Child(name, command, self.environment_of(name), self.state / "logs" / f"{name}.log")
                child.start()
                self.children.append(child)

    def environment_of(self, name: str) -> dict[str, str]:
        """What a process is given. The web processes count together, in a folder that is emptied here."""
        if name != "web":
            return self.env
        folder = self.state / "metrics"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return {**self.env, "PROMETHEUS_MULTIPROC_DIR": str(folder)}

    def await_ready(self) -> bool:
        """Wait for /readyz, saying so once if it takes long; False if we are asked to stop before it comes."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104  compared, not bound
        patience = time.monotonic() + READY_WITHIN
        while not self.stopping.wait(0.2):
            try:
                with urllib.request.urlopen(f"http://{host}:{self.port}/readyz", timeout=5):
                    return True
            except (urllib.error.URLError, OSError):
                pass
            if time.monotonic() > patience:
                patience = float("inf")
                console.warn(f"The web server takes longer than usual. Its log: {self.state / 'logs' / 'web.log'}")
            for child in self.children:
                child.watch()
        return False

    def stop(self) -> None:
        """The web first, so that nothing new comes in; then the rest; the servers last."""
        web = [child for child in self.children if child.name == "web"]
        others = [child for child in reversed(self.children) if child.name != "web"]
        for group in (web, others):
            for child in group:
                child.ask_to_stop()
            deadline = time.monotonic() + PATIENCE
            for child in group:
                child.wait_to_stop(deadline)
        if self.lease:
            self.lease.release()

    def watch(self) -> None:
        """Keep every process alive until asked to stop."""
        while not self.stopping.wait(0.5):
            for child in self.children:
                child.watch()

    def all(self) -> None:
        """The whole life, in order."""
        handle = self.claim()
        check_port(self.host, self.port)
        try:
            (self.state / "logs").mkdir(exist_ok=True)
            self.start_servers()
            self.choose_mailbox()
            if not self.stopping.is_set():
                self.seed()
            if not self.stopping.is_set():
                # The web alone first: each process loads the whole app, and people wait for this one.
                self.start_children("web", "mailbox")
                if self.await_ready():
                    self.start_children()
                    console.welcome(self.host, self.port, self.state)
                self.watch()
        finally:
            console.say("Stopping …")
            self.stop()
            handle.close()
            console.say("Stopped.")


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def main() -> int:
    """Run until told to stop; 0 after a clean stop, 1 after a sentence."""
    try:
        run = Run(dict(os.environ))

        def on_signal(_number: int, _frame: FrameType | None) -> None:
            run.stopping.set()

        signal.signal(signal.SIGINT, on_signal)
        signal.signal(signal.SIGTERM, on_signal)
        run.all()
    except ServerError as error:
        console.warn(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
