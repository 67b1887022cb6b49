"""What both embedded servers stand on: private folders, short sockets, locks, and whether a process lives."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534
# sun_path holds 107 bytes; "/.s.PGSQL.5432" must still fit behind the folder.
LONGEST_SOCKET_FOLDER = 90


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
    # Commas split PostgreSQL's setting; a space in the path breaks redis-py's reading of CLIENT LIST, which RQ needs.
    plain = not set(str(inside)) & set(" \t=,'\"\\")
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


def alive(pid: int, *, folder: Path) -> bool:
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


def recorded_pid(path: Path) -> int | None:
    """The process id that a server wrote on the first line of ``path``, if it did."""
    try:
        return int(path.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def tail(path: Path, lines: int = 6) -> str:
    """The last lines of a log file, or nothing."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
