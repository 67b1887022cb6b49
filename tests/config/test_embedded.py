"""The embedded servers: they start anywhere, mend what a killed run left, and say what is wrong in a sentence."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from config import embedded
from config.bootstrap import libpq
from config.embedded import EmbeddedPostgres
from config.embedded_redis import EmbeddedRedis
from config.processes import LONGEST_SOCKET_FOLDER, ServerError, alive, make_private, socket_folder

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state directory whose servers are stopped in the end, whatever the test did."""
    folder = tmp_path / "state"
    yield folder
    for server in (EmbeddedPostgres(folder), EmbeddedRedis(folder)):
        server.stop()
    sockets = socket_folder(folder)
    if not sockets.is_relative_to(folder):
        shutil.rmtree(sockets, ignore_errors=True)


def answer(server: EmbeddedPostgres, query: str) -> object:
    with psycopg.connect(libpq(server.url()), autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def test_data_survive_a_restart_and_a_kill(state: Path) -> None:
    server = EmbeddedPostgres(state)
    assert server.start()
    assert not server.start(), "a second start finds it running"
    with psycopg.connect(libpq(server.url()), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS value")
    pid = int((server.data / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while alive(pid, folder=server.data) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (server.data / "postmaster.pid").exists(), "the kill left its pid file"
    server.start()
    assert answer(server, "SELECT value FROM kept") == 42


def test_half_made_cluster_is_moved_aside_and_made_anew(state: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = EmbeddedPostgres(state)
    (server.home / "data" / "base").mkdir(parents=True)
    (server.home / "data.new-1").mkdir()
    os.chmod(state, 0o700)
    server.start()
    assert answer(server, "SELECT 1") == 1
    assert len(list(server.home.glob("data.broken-*"))) == 1
    assert not list(server.home.glob("data.new-*"))
    assert "half-made" in caplog.text


def test_pid_file_of_a_stranger_does_not_hinder(state: Path) -> None:
    server = EmbeddedPostgres(state)
    server.start()
    server.stop()
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data}\n")
    (server.socket / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n")
    assert server.start()
    assert answer(server, "SELECT 1") == 1


def test_other_version_is_refused_with_a_remedy(state: Path) -> None:
    server = EmbeddedPostgres(state)
    server.start()
    server.stop()
    version = server.data / "PG_VERSION"
    was = version.read_text()
    version.write_text("12\n")
    with pytest.raises(ServerError, match=r"made by PostgreSQL 12.*PERENNIAL_PG_BIN"):
        server.start()
    version.write_text(was)


@pytest.mark.parametrize("name", ["a b", "o'hare, x", "深" * 40])
def test_any_path_will_do(tmp_path: Path, name: str) -> None:
    state = tmp_path / name
    postgres, queue = EmbeddedPostgres(state), EmbeddedRedis(state)
    try:
        postgres.start()
        queue.start()
        assert answer(postgres, "SELECT 1") == 1
        with redis.Redis.from_url(queue.url()) as client:
            assert client.ping()
            assert client.client_list(), "RQ reads it, and redis-py cannot where the socket's path has a space"
    finally:
        queue.stop()
        postgres.stop()
        shutil.rmtree(socket_folder(state), ignore_errors=True)


def test_path_that_pg_ctl_cannot_take_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="Set PERENNIAL_STATE"):
        EmbeddedPostgres(tmp_path / 'a "b"').start()


def test_socket_folder_is_short_and_the_same_for_everyone(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 200)
    assert socket_folder(deep) == socket_folder(deep)
    assert len(str(socket_folder(deep))) <= LONGEST_SOCKET_FOLDER
    assert socket_folder(Path("/srv/perennial")) == Path("/srv/perennial/s")


def test_queue_survives_a_restart(state: Path) -> None:
    queue = EmbeddedRedis(state)
    assert queue.start()
    assert not queue.start()
    with redis.Redis.from_url(queue.url()) as client:
        client.rpush("jobs", "one")
    queue.stop()
    assert not queue.running()
    queue.start()
    with redis.Redis.from_url(queue.url()) as client:
        assert client.lrange("jobs", 0, -1) == [b"one"]


def test_races_start_one_server(state: Path) -> None:
    code = "import sys; from pathlib import Path; from config.embedded import EmbeddedPostgres as E; print(E(Path(sys.argv[1])).start())"
    racers = [
        subprocess.Popen([sys.executable, "-c", code, state], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    answers = sorted(racer.communicate(timeout=60)[0].strip() for racer in racers)
    assert answers == ["False", "False", "True"]


def test_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make another user's folder")
    folder = tmp_path / "theirs"
    folder.mkdir()
    os.chown(folder, pwd.getpwnam("daemon").pw_uid, -1)
    with pytest.raises(ServerError, match="belongs to another user"):
        make_private(folder)


def test_root_without_user_namespaces(state: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("the way around is for root")
    server = EmbeddedPostgres(state, force_nobody=True)
    try:
        server.start()
        assert answer(server, "SELECT 1") == 1
    finally:
        server.stop()
        shutil.rmtree(server.home)


@pytest.mark.parametrize("uid", [65534, 54321])
def test_ordinary_user_with_and_without_a_name(tmp_path: Path, uid: int) -> None:
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("only root can become others; the other tests ran as an ordinary user")
    home = Path("/tmp") / f"perennial-test-{uid}-{os.getpid()}"
    home.mkdir(mode=0o755)
    os.chown(home, uid, uid)
    code = (
        "import sys; from pathlib import Path; from config.embedded import EmbeddedPostgres as E;"
        "s = E(Path(sys.argv[1])); print(s.start()); s.stop(); print(s.running())"
    )
    become = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    try:
        needed = (embedded.postgres_bin() / "postgres", Path(sys.executable).resolve(), ROOT / "config" / "embedded.py")
        if any(subprocess.run([*become, "test", "-r", path], check=False).returncode for path in needed):
            pytest.skip("the project or its Python lies where only root may read")
        command = [*become, sys.executable, "-c", code, home / "state"]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "HOME": str(home)}
        )
        assert done.stdout.split() == ["True", "False"], done.stderr
    finally:
        shutil.rmtree(home)


def test_wrong_folder_of_binaries_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERENNIAL_PG_BIN", "/nowhere")
    with pytest.raises(ServerError, match="PERENNIAL_PG_BIN is /nowhere"):
        embedded.postgres_bin()


def test_pgbench_is_there() -> None:
    done = subprocess.run([embedded.pgbench_path(), "--version"], capture_output=True, text=True, check=True)
    assert "pgbench" in done.stdout
